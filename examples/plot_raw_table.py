"""
A raw table: from read_csv to a scored, calibrated, explained model
===================================================================

House sales as read from a file: numbers of very different scales, neighbourhoods by
name, missing values, dates. ``TabularMLPRegressor`` and ``TabularMLPClassifier`` take
the raw frame. They are compared with scikit-learn's gradient boosting on the same rows.
"""

# %%
# The sales are made up, modelled on the well-known data set from Ames, so that nothing
# has to be downloaded. The prices follow smooth formulas, which suits a network. This
# page therefore shows how things are done; which method is better, only real tables can
# show.

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
# Dates are refused: you decide which of their features may matter. Here these are the
# month, for the season, and the days since the first sale, for the market. No other
# preparation is needed. The network learns the logarithm of the price, since errors in
# the price are relative.

date = sales.pop("sold")
X = sales.drop(columns=["price", "within_a_month"]).assign(
    month=date.dt.month, day=(date - date.min()).dt.days
)
y = np.log(sales["price"])
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# In addition to the mean the network learns three quantiles, in the same fit. Boosting
# needs a fit for each quantile, and text columns of the type "category".

levels = (0.05, 0.5, 0.95)
network = TabularMLPRegressor(quantiles=levels, random_state=0).fit(X_train, y_train)
lower, median, upper = network.predict(X_test, quantiles=levels).T
mean = network.predict(X_test)

names = ["area", "roof", "garage"]
types = {name: pd.CategoricalDtype(X[name].dropna().unique()) for name in names}


def boosted(loss, level=None):
    """Return the predictions of gradient boosting for the test rows."""
    model = HistGradientBoostingRegressor(
        loss=loss, quantile=level, categorical_features="from_dtype", random_state=0
    )
    model.fit(X_train.astype(types), y_train)
    return model.predict(X_test.astype(types))


def report(name, mean, lower, upper):
    """Print the errors of the prices, and the coverage of the intervals."""
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
# Which columns matter to the network: the loss of R2 when a column of the test rows is
# shuffled. Whole columns of the frame are shuffled, before any encoding, so that a
# category or a column with missing values is one column.

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
# answer is chance, so probabilities are what counts. A temperature calibrates them, on
# rows that each network has held out; ``calibrate=False`` leaves them as they were
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
    accuracy = accuracy_score(y_test, p > 0.5)
    print(f"{name:19} log loss {log_loss(y_test, p):.3f}, accuracy {accuracy:.0%}")
print(f"temperature: {calibrated.temperature_:.2f}")

# %%
# Of the houses with a predicted probability of 70%, seven in ten should sell: then
# the curve on the left is the diagonal. The right panel shows the distribution of the
# probabilities.

figure, panels = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
panels[0].plot([0, 1], [0, 1], color="#000000", lw=1, ls=":")
looks = [("#0072B2", "o", "-"), ("#56B4E9", "s", "--"), ("#D55E00", "^", "-")]
for name, (color, marker, ls) in zip(probability, looks, strict=False):
    p = probability[name]
    share, predicted = calibration_curve(y_test, p, n_bins=6, strategy="quantile")
    panels[0].plot(predicted, share, color=color, marker=marker, ls=ls, label=name)
    panels[1].hist(
        p, np.linspace(0, 1, 21), histtype="step", color=color, ls=ls, lw=1.5
    )
panels[0].set(xlabel="predicted probability", ylabel="share that was sold")
panels[0].legend(frameon=False)
panels[1].set(xlabel="predicted probability", ylabel="houses")
plt.show()

# %%
# A curve that is flatter than the diagonal means overconfidence, which a temperature
# above one corrects. If the two curves of the network are close, there was little to
# correct: each network keeps an epoch that was good on held-out rows, and the mean of
# several is less confident than each of them. With 500 test rows a point is accurate to
# about 0.05, so the log loss is more informative than the figure.
#
# What to try next: ``X_val`` with the latest sales, so that a model of the past is
# scored on the future; ``LockstepGridSearchCV`` over ``dropout`` and
# ``learning_rate_init``; a tenth of the rows, when a linear model is hard to beat.
# :doc:`/user_guide/tables` has more.
