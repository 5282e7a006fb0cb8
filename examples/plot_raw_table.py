"""
A raw table: from read_csv to a scored, calibrated, explained model
===================================================================

House sales as they come in a file: numbers on wild scales, neighbourhoods by name,
gaps, dates. ``TabularMLPRegressor`` and ``TabularMLPClassifier`` take the frame as it
is. scikit-learn's gradient boosting stands beside them, on the same rows.
"""

# %%
# The sales are made up, after the well-known ones of Ames, so that nothing has to be
# downloaded. The prices follow smooth formulas, which suits a network. So this page
# shows how things are done; which method is better is a question for real tables.

from io import StringIO

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split

from sknet import TabularMLPClassifier, TabularMLPRegressor


def made_up_sales(n, seed):
    """Return n sales of houses as the text of a CSV file."""
    rng = np.random.default_rng(seed)
    share = np.arange(1.0, 31.0) ** -1.7  # a few large areas, some with hardly a sale
    area = rng.choice(30, n, p=share / share.sum())
    worth = rng.normal(scale=0.2, size=30)[area]
    quality = np.clip(rng.normal(6.0 + 4.0 * worth, 1.3), 1, 10).round()
    age = rng.gamma(1.6, 22.0, n).round()
    living = np.exp(rng.normal(7.2 + 0.05 * (quality - 6.0), 0.3))
    lot = np.exp(rng.normal(9.1, 0.5, n) + 2.0 * (rng.random(n) < 0.01))
    garage = rng.choice(["attached", "detached", ""], n, p=[0.6, 0.33, 0.07])
    cars = np.where(garage == "", np.nan, rng.integers(1, 4, n))
    air = rng.random(n) < np.where(age > 60, 0.6, 0.95)
    roof = rng.choice(["gable", "hip", "flat", "dome"], n, p=[0.78, 0.199, 0.02, 0.001])
    day = rng.integers(0, 5 * 365, n)
    date = pd.Timestamp("2006-01-01") + pd.to_timedelta(day, unit="D")

    log_price = 12.1 + 0.8 * (np.log(living) - 7.2) + 0.12 * (np.log(lot) - 9.1)
    log_price += (
        worth + 0.09 * (quality - 6.0) + 0.06 * air + 0.05 * np.nan_to_num(cars)
    )
    log_price -= 0.06 * np.tanh(day / 150 - 6.5) + 0.05 * np.log1p(age) * (quality < 8)
    log_price += rng.normal(scale=np.where(age > 50, 0.16, 0.07))  # old houses vary
    chance = 1.2 * np.cos(2.0 * np.pi * (date.month - 6) / 12) - 2.0 * (
        log_price - 12.1
    )
    chance += rng.normal(size=30)[area]  # some areas are in fashion
    quick = rng.random(n) < 1.0 / (1.0 + np.exp(-chance))
    columns = {
        "lot_area": lot.round(),
        "frontage": (np.sqrt(lot) * rng.normal(0.7, 0.1, n)).round(),
        "area": [f"area {17 * number % 30:02d}" for number in area],
        "roof": roof,
        "quality": quality.astype(int),
        "built": (2008 - age).astype(int),
        "living_area": living.round(),
        "central_air": air,
        "garage": garage,
        "cars": cars,
        "sold": date.strftime("%Y-%m-%d"),
        "price": np.exp(log_price).round(-2),
        "within_a_month": quick,
    }
    table = pd.DataFrame(columns)
    table.loc[rng.random(n) < 0.17, "frontage"] = np.nan
    return table.to_csv(index=False)


sales = pd.read_csv(StringIO(made_up_sales(2000, seed=0)), parse_dates=["sold"])
print(sales.head(3).T.to_string(header=False))
print("missing:", sales.isna().sum().loc[lambda n: n > 0].to_dict())
print("sales by area:", sales["area"].value_counts().tolist())

# %%
# Dates are refused: what of them may matter is for you to say. Here it is the month,
# for the season, and the days since the first sale, for the market. That is all there
# is to prepare. The price is learned as its logarithm, since its errors are in per
# cent.

date = sales.pop("sold")
X = sales.drop(columns=["price", "within_a_month"]).assign(
    month=date.dt.month, day=(date - date.min()).dt.days
)
y = np.log(sales["price"])
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Beside the mean the network learns three quantiles, in the same fit. Boosting has a
# fit for each quantile, and wants text as columns of the type "category".

levels = (0.05, 0.5, 0.95)
network = TabularMLPRegressor(quantiles=levels, random_state=0).fit(X_train, y_train)
lower, median, upper = network.predict(X_test, quantiles=levels).T
mean = network.predict(X_test)

names = ["area", "roof", "garage"]
types = {name: pd.CategoricalDtype(X[name].dropna().unique()) for name in names}


def boosted(loss, level=None):
    """Return what gradient boosting predicts for the test rows."""
    model = HistGradientBoostingRegressor(
        loss=loss, quantile=level, categorical_features="from_dtype", random_state=0
    )
    model.fit(X_train.astype(types), y_train)
    return model.predict(X_test.astype(types))


def report(name, mean, lower, upper):
    """Print how far the prices are off, and how honest the intervals are."""
    off = np.expm1(abs(mean - y_test))
    inside = (lower <= y_test) & (y_test <= upper)
    print(
        f"{name}: R2 {r2_score(y_test, mean):.3f}, half of the prices within "
        f"{np.median(off):.1%}; the interval of 90% holds {inside.mean():.0%} and is "
        f"{np.median(np.expm1(upper - lower)):.0%} wide"
    )


report("network", mean, lower, upper)
by_trees = boosted("squared_error")
report("boosting", by_trees, boosted("quantile", 0.05), boosted("quantile", 0.95))

# %%
# What the network goes by: how much of R2 is lost when a column of the test rows is
# shuffled. Whole columns of the frame are, before any encoding, so that a category or a
# column with gaps is one column.

importance = permutation_importance(
    network, X_test, y_test, n_repeats=5, random_state=0
)
order = importance.importances_mean.argsort()
figure, panels = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
shown = y_test.argsort().to_numpy()[::6]
panels[0].fill_between(
    np.arange(len(shown)),
    *np.exp([lower[shown], upper[shown]]) / 1000,
    color="#0072B2",
    alpha=0.25,
    lw=0,
    step="mid",
    label="5% to 95% quantile",
)
panels[0].plot(np.exp(median[shown]) / 1000, ".", color="#0072B2", ms=4, label="median")
panels[0].plot(
    np.exp(y_test.to_numpy()[shown]) / 1000, color="#000000", lw=1, label="sold for"
)
panels[0].set(
    xlabel="every sixth test house, by price", ylabel="price, thousands", yscale="log"
)
panels[0].legend(frameon=False)
panels[1].barh(
    X_test.columns[order],
    importance.importances_mean[order],
    xerr=importance.importances_std[order],
    color="#0072B2",
)
panels[1].set(xlabel="loss of R2 when the column is shuffled", ylabel="column")
plt.show()
print("most important:", ", ".join(X_test.columns[order[::-1][:4]]))

# %%
# The second question: will a house be sold within a month, at this price? Much of the
# answer is chance, and so what counts are probabilities. A temperature calibrates them,
# on rows that each network has held out; ``calibrate=False`` leaves them as they were
# learned.

quick = sales["within_a_month"]
X_train, X_test, y_train, y_test = train_test_split(
    X.assign(price=sales["price"]), quick, stratify=quick, random_state=0
)
calibrated = TabularMLPClassifier(random_state=0).fit(X_train, y_train)
as_learned = TabularMLPClassifier(calibrate=False, random_state=0).fit(X_train, y_train)
trees = HistGradientBoostingClassifier(
    categorical_features="from_dtype", random_state=0
).fit(X_train.astype(types), y_train)
probability = {
    "network": calibrated.predict_proba(X_test)[:, 1],
    "network, as learned": as_learned.predict_proba(X_test)[:, 1],
    "boosting": trees.predict_proba(X_test.astype(types))[:, 1],
    "one for all houses": np.full(len(y_test), y_train.mean()),
}
for name, p in probability.items():
    right = accuracy_score(y_test, p > 0.5)
    print(f"{name:19} log loss {log_loss(y_test, p):.3f}, right on {right:.0%}")
print(f"temperature: {calibrated.temperature_:.2f}")

# %%
# Of houses that are said to sell with a probability of 70%, seven of ten should: then
# the curve on the left is the diagonal. On the right, which probabilities occur.

figure, panels = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
panels[0].plot([0, 1], [0, 1], color="#000000", lw=1, ls=":")
looks = [("#0072B2", "o", "-"), ("#56B4E9", "s", "--"), ("#D55E00", "^", "-")]
for name, (color, marker, ls) in zip(probability, looks, strict=False):
    p = probability[name]
    share, told = calibration_curve(y_test, p, n_bins=6, strategy="quantile")
    panels[0].plot(told, share, color=color, marker=marker, ls=ls, label=name)
    panels[1].hist(
        p, np.linspace(0, 1, 21), histtype="step", color=color, ls=ls, lw=1.5
    )
panels[0].set(xlabel="probability that was told", ylabel="share that was sold")
panels[0].legend(frameon=False)
panels[1].set(xlabel="probability that was told", ylabel="houses")
plt.show()

# %%
# A curve that is flatter than the diagonal is too sure of itself, and a temperature
# above one is the cure. Where the two curves of the network are close there was little
# to cure: each network keeps an epoch that was good on held-out rows, and a mean of
# several is less sure than each of them. With 500 test rows a point is good to about
# 0.05, so that the log loss says more than the eye.
#
# What to try next: ``X_val`` with the latest sales, so that the past is judged by the
# future; ``LockstepGridSearchCV`` over ``dropout`` and ``learning_rate_init``; a tenth
# of the rows, where a linear model is hard to beat. :doc:`/user_guide/tables` has more.
