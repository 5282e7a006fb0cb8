"""
Vanishing gradients, and the cures
==================================

Networks of depth 5, 20, 50 and 100, with all layers 32 wide, on scikit-learn's digits.
You will see gradients vanish in a plain network, but not in highway, residual and
pre-activation networks. This takes about twenty seconds.
"""

# %%
# First, the gradients before any training: their size in each layer of a plain network,
# of one with layer normalisation, and of a pre-activation network. They are derived
# from one step of plain gradient descent at a huge learning rate, which subtracts them.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sknet import SimpleMLPClassifier
from sknet.inspection import named_parameters
from sknet.network.blocks import Highway, Plain, Preactivation, Residual


warnings.simplefilter("ignore", ConvergenceWarning)
plt.style.use("seaborn-v0_8-colorblind")
X, y = load_digits(return_X_y=True)
X = (X / 16.0).astype(np.float32)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
HUGE = 1e100  # makes tiny gradients visible beside the weights


def gradient_sizes(activation, block, n_blocks):
    """Return the norm of the gradient of each layer's weights, at the start."""
    params = {"activation": activation, "block": block, "random_state": 0}
    params |= {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "dtype": "float64"}
    before, after = (
        SimpleMLPClassifier(
            (32,) * n_blocks,
            learning_rate_init=rate,
            batch_size=len(X_train),
            max_iter=1,
            **params,
        ).fit(X_train, y_train)
        for rate in (1e-300, HUGE)
    )
    before, after = named_parameters(before), named_parameters(after)
    weights = [name for name in before if name.endswith(".weight")]
    return [np.linalg.norm(before[name] - after[name]) / HUGE for name in weights]


_, axes = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
for name, activation, block, n_blocks in (
    ("plain, logistic", "logistic", "plain", 50),
    ("plain, relu", "relu", "plain", 50),
    ("plain, relu, layer norm", "relu", Plain(normalization="layer"), 50),
    ("pre-activation", "relu", Preactivation(normalization="layer"), 25),
):
    sizes = np.array(gradient_sizes(activation, block, n_blocks))
    axes.semilogy(sizes, label=name)
    print(f"{name:24s} first layer {sizes[0]:.1e}, last {sizes[-1]:.1e}")
axes.set(xlabel="layer, from the inputs", ylabel="norm of the gradient")
axes.legend()

# %%
# Then all networks are trained alike; a block of two products counts as two layers. The
# numbers are accuracies; chance is a tenth. Normalisation alone preserves the size of
# the gradients, but is not enough: at depth 50, the shortcut around the layers makes
# the difference.

DEPTHS = (5, 20, 50, 100)
KINDS = {
    "plain": ("plain", 1),
    "plain, layer norm": (Plain(normalization="layer"), 1),
    "highway": (Highway(gate_bias=-4.0), 1),
    "residual": (Residual(normalization="layer"), 2),
    "pre-activation": (Preactivation(normalization="layer"), 2),
}
scores = {}
for name, (block, n_layers) in KINDS.items():
    for depth in DEPTHS:
        network = SimpleMLPClassifier(
            (32,) * (depth // n_layers),
            block=block,
            batch_size=128,
            learning_rate="cosine",
            learning_rate_init=0.003,
            max_iter=30,
            n_iter_no_change=np.inf,
            random_state=0,
        ).fit(X_train, y_train)
        fitted = network.score(X_train, y_train), network.score(X_test, y_test)
        scores[name, depth] = fitted
print("trained / new digits", *(f"{depth:>15d}" for depth in DEPTHS))
for name in KINDS:
    cells = ("{:.3f} / {:.3f}".format(*scores[name, depth]) for depth in DEPTHS)
    print(f"{name:20s}", *(f"{cell:>15s}" for cell in cells))
for name in KINDS:
    trained = [scores[name, depth][0] for depth in (50, 100)]
    assert max(trained) < 0.3 if name.startswith("plain") else min(trained) > 0.95

# %%
# The accuracies on new digits as a figure.

_, axes = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
for marker, name in zip("osv^D", KINDS, strict=True):
    axes.plot(
        DEPTHS, [scores[name, depth][1] for depth in DEPTHS], marker + "-", label=name
    )
axes.axhline(0.1, color="gray", linestyle=":", label="chance")
axes.set(
    xscale="log", xlabel="depth (layers of weights)", ylabel="share of new digits read"
)
axes.set_xticks(DEPTHS, [str(depth) for depth in DEPTHS])
axes.legend()
plt.show()

# %%
# Next: ``Residual(normalization="batch")``, as in the paper, with batches of 64 and of
# 512. Statistics over few rows are noisy, and the noise adds up with depth.
