"""SimpleMLPClassifier beside scikit-learn's MLPClassifier: same numbers, less time.

Run it with ``make demo``. Both classifiers go through the same steps on two data sets
that come with scikit-learn: a pipeline that standardises the columns, a small grid
search over ``alpha``, and a test set that neither has seen. It prints a table, and
draws the loss curves in ``demo_loss_curves.png``.
"""

import argparse
from statistics import median
from time import perf_counter

import numpy as np
import scipy
import sklearn
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import sknet
from sknet import SimpleMLPClassifier


DATASETS = {"digits": load_digits, "breast cancer": load_breast_cancer}
CLASSIFIERS = [MLPClassifier, SimpleMLPClassifier]
GRID = {"mlp__alpha": [1e-4, 1e-1]}
# More epochs than any of the fits below needs: each stops by itself, at `tol`.
PARAMETERS = {"hidden_layer_sizes": (100,), "max_iter": 1000, "random_state": 0}
REPEATS = 3


def search(classifier_class, X, y):
    """Search the grid over a pipeline, as one would with any classifier."""
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("mlp", classifier_class(**PARAMETERS))]
    )
    return GridSearchCV(pipeline, GRID, cv=3).fit(X, y)


def fit_seconds(pipelines, X, y):
    """Return the median fit time of each pipeline; they alternate, to share noise."""
    seconds = [[] for _ in pipelines]
    for _ in range(REPEATS):
        for pipeline, times in zip(pipelines, seconds, strict=True):
            start = perf_counter()
            clone(pipeline).fit(X, y)
            times.append(perf_counter() - start)
    return [median(times) for times in seconds]


def compare(name):
    """Fit both classifiers on one data set, print their rows, return the two MLPs."""
    X, y = DATASETS[name](return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, stratify=y, random_state=0
    )
    best = [search(mlp, X_train, y_train).best_estimator_ for mlp in CLASSIFIERS]
    times = fit_seconds(best, X_train, y_train)
    for pipeline, seconds in zip(best, times, strict=True):
        mlp = pipeline["mlp"]
        accuracy = accuracy_score(y_test, pipeline.predict(X_test))
        loss = log_loss(y_test, pipeline.predict_proba(X_test))
        speed = times[0] / seconds
        print(
            f"{name:<14} {type(mlp).__name__:<20} {mlp.alpha:>6g} {mlp.n_iter_:>6} "
            f"{accuracy:>9.4f} {loss:>9.4f} {seconds:>8.2f} s {speed:>5.1f}x"
        )
    return [pipeline["mlp"] for pipeline in best]


def draw(fitted, path):
    """Draw the loss curves: one panel per data set, scikit-learn's line below."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    panels = figure.subplots(1, len(fitted))
    for panel, (name, mlps) in zip(panels, fitted.items(), strict=True):
        styles = [{"lw": 5, "color": "#f5c189"}, {"lw": 1.5, "color": "#1b5e93"}]
        for mlp, style in zip(mlps, styles, strict=True):
            epochs = range(1, len(mlp.loss_curve_) + 1)
            panel.plot(epochs, mlp.loss_curve_, label=type(mlp).__name__, **style)
        panel.set(title=name, xlabel="epoch", ylabel="training loss", yscale="log")
        panel.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main(path):
    """Print the versions, the table, and the path of the figure."""
    print(
        f"sknet {sknet.__version__}, scikit-learn {sklearn.__version__}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}; float64; one BLAS thread\n"
        "accuracy and log loss: on a quarter of the rows, held out; "
        f"fit time: median of {REPEATS}\n"
    )
    print(
        f"{'data':<14} {'classifier':<20} {'alpha':>6} {'epochs':>6} "
        f"{'accuracy':>9} {'log loss':>9} {'fit time':>10} {'speed':>6}\n{'-' * 87}"
    )
    with threadpool_limits(limits=1):  # for networks this small, more would be slower
        fitted = {name: compare(name) for name in DATASETS}
    draw(fitted, path)
    print(f"\nLoss curves: {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--picture", default="demo_loss_curves.png", metavar="PATH")
    main(parser.parse_args().picture)
