"""
Filters and pools
=================

A convolutional network looks at an image through small windows, with the same weights
at every place. You will see what one filter answers, what pooling keeps of its answers,
which filters a network has learned, and how well it reads digits that were moved.
"""

# %%
# A filter by hand. It has a weight for each pixel of a window; its answer at a place is
# the sum of the products of weights and pixels there. This filter of 7 x 7 looks for a
# curve: it has the weight 30 along the curve, and 0 elsewhere. The network has one
# filter and one output unit, which passes on what it gets.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sknet import Conv, SimpleCNNClassifier, SimpleMLPClassifier
from sknet.inspection import named_parameters


warnings.simplefilter("ignore", ConvergenceWarning)
plt.style.use("seaborn-v0_8-colorblind")


def network_of(kernel, shape, **options):
    """Return a network whose raw output is the sum of the answers of one filter."""
    conv = Conv(1, kernel.shape, padding="valid", activation="identity", **options)
    network = SimpleCNNClassifier((), conv_layers=(conv,), max_iter=1, random_state=0)
    network.fit(np.random.default_rng(0).random((4, *shape)), [0, 1, 0, 1])
    weight, bias, output, output_bias = named_parameters(network).values()
    weight[...], bias[...] = kernel.reshape(-1, 1), 0.0
    output[...], output_bias[...] = 1.0, 0.0
    return network


curve = ([0, 1, 2, 3, 4], [5, 4, 3, 2, 2])
kernel, image, other = np.zeros((3, 7, 7))
kernel[curve] = 30.0
image[curve] = [50.0, 50.0, 50.0, 20.0, 50.0]
other[5:, :2] = 50.0
answers = network_of(kernel, (7, 7)).decision_function([image, other])
print("answer to the curve: {:.0f}, to another image: {:.0f}".format(*answers))

# %%
# How many places there are. With images of side n, windows of side f, p zeros around
# the image and the stride s, a side has floor((n + 2p - f) / s) + 1 places. Padding
# "valid" means no zeros, "same" as many places as pixels, and "full" all windows that
# contain at least one pixel. A filter has as many weights as a window has pixels,
# however large the image is.

colours, five_classes = np.zeros((5, 32, 32, 3)), [0, 1, 2, 3, 4]
for padding in ("valid", "same", "full"):
    network = SimpleCNNClassifier(
        (), conv_layers=(Conv(5, 5, padding=padding),), max_iter=1, random_state=0
    ).fit(colours, five_classes)
    weight, _, output, _ = named_parameters(network).values()
    side = int(np.sqrt(len(output) / 5))
    places = f"{side} x {side} x 5"
    print(f"{padding:5}: {weight.size} weights in 5 filters, answers {places}")

# %%
# The answers of a filter form an image, too. This one subtracts the left column of a
# window from the right one, so that it answers where the image becomes brighter to the
# right. Negative answers are set to zero by the activation, here by hand. A pool keeps
# the largest of every 2 x 2 answers: where roughly something was found, in a quarter of
# the numbers. It has no parameters.

digits, y = load_digits(return_X_y=True)
digits = np.pad(digits.reshape(-1, 8, 8) / 16.0, [(0, 0), (2, 2), (2, 2)])
digits = digits.astype(np.float32)
edge = np.array([[-1.0, 0.0, 1.0]] * 3)


def answers_at_all_places(image):
    """Return the answers of the filter that are positive, with padding "same"."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, 1), edge.shape)
    return np.maximum((windows * edge).sum(axis=(2, 3)), 0.0)


def pooled(answers):
    """Return the largest answer of every 2 x 2 places."""
    n_rows, n_columns = answers.shape
    return answers.reshape(n_rows // 2, 2, n_columns // 2, 2).max(axis=(1, 3))


digit = digits[5]
moved = np.roll(digit, 1, axis=1)
figure, panels = plt.subplots(2, 3, figsize=(6.4, 4.4), layout="constrained")
for row, (name, image) in zip(
    panels, {"a digit": digit, "moved by a pixel": moved}.items(), strict=True
):
    found = answers_at_all_places(image)
    for axes, shown in zip(row, (image, found, pooled(found)), strict=True):
        axes.imshow(shown, cmap="cividis")
        axes.set(xticks=[], yticks=[], xlabel="{} x {}".format(*shown.shape))
    row[0].set_ylabel(name)
for axes, title in zip(panels[0], ("pixels", "answers", "after the pool"), strict=True):
    axes.set_title(title)
at_places, in_pools = [], []
for digit in digits[:500]:
    here = answers_at_all_places(digit)
    there = answers_at_all_places(np.roll(digit, 1, axis=1))
    at_places.append(np.corrcoef(here.ravel(), there.ravel())[0, 1])
    in_pools.append(np.corrcoef(pooled(here).ravel(), pooled(there).ravel())[0, 1])
print("correlation of the answers to a digit and to the digit moved by a pixel:")
print(f"{np.mean(at_places):.2f} at all places, {np.mean(in_pools):.2f} after the pool")

# %%
# Nobody chooses the filters of a network: they are learned like all weights. The
# gradient of a weight is the sum over all places at which it is used. Here are three
# networks: a dense one, a convolutional one with as many parameters, and one whose last
# pool keeps only the largest answer of each filter in the whole image.

X_train, X_test, y_train, y_test = train_test_split(digits, y, random_state=0)
params = {"max_iter": 40, "n_iter_no_change": np.inf, "random_state": 0}
params["learning_rate_init"] = 0.003
networks = {
    "dense": SimpleMLPClassifier((50,), **params),
    "convolutional": SimpleCNNClassifier(
        (), conv_layers=(Conv(16, pool=2), Conv(32, pool=2)), **params
    ),
    "with a global pool": SimpleCNNClassifier(
        (), conv_layers=(Conv(16, pool=2), Conv(32, pool="global")), **params
    ),
}


def form(network, images):
    """Return the images as rows of pixels, if the network is a dense one."""
    is_dense = isinstance(network, SimpleMLPClassifier)
    return images.reshape(len(images), -1) if is_dense else images


for network in networks.values():
    network.fit(form(network, X_train), y_train)

# %%
# The sixteen filters of the first layer. Bright weights look for bright pixels, dark
# weights for dark ones. Several are edges of some direction, like the filter above.

filters = named_parameters(networks["convolutional"])["0.weight"].T
figure, panels = plt.subplots(2, 8, figsize=(8, 2.6), layout="constrained")
for axes, weights in zip(panels.flat, filters, strict=True):
    axes.imshow(weights.reshape(3, 3), cmap="cividis")
    axes.set(xticks=[], yticks=[], xlabel="pixels")
panels[0, 0].set_ylabel("pixels")
figure.suptitle("what the sixteen filters of the first layer look for")

# %%
# Now the test digits are moved by one or two pixels to each side; the training digits
# were all in the middle. For the dense network, a moved digit lights up other pixels,
# whose weights have learned something else.


def accuracy_of_moved(network, distance):
    """Return the mean accuracy over the four directions."""
    steps = [(0, distance), (0, -distance), (distance, 0), (-distance, 0)]
    moved = (np.roll(X_test, step, axis=(1, 2)) for step in steps)
    return np.mean([network.score(form(network, images), y_test) for images in moved])


DISTANCES = (0, 1, 2)
scores = {
    name: [accuracy_of_moved(network, distance) for distance in DISTANCES]
    for name, network in networks.items()
}
print("moved by so many pixels".ljust(35), *(f"{n:5}" for n in DISTANCES))
for name, network in networks.items():
    cells = (f"{score:5.2f}" for score in scores[name])
    print(f"{name:18} {network.theta_.size:5} parameters", *cells)
assert scores["dense"][1] < scores["convolutional"][1]
assert scores["convolutional"][1] < scores["with a global pool"][1]
_, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for marker, name in zip("osv", networks, strict=True):
    axes.plot(DISTANCES, scores[name], marker + "-", label=name)
axes.axhline(0.1, color="gray", linestyle=":", label="chance")
axes.set(xlabel="digits moved by so many pixels", ylabel="share of digits read")
axes.set_xticks(DISTANCES)
axes.legend()
plt.show()

# %%
# Convolutions and small pools help, but are not enough: the output layer still has a
# weight for each place. A global pool forgets the places. It reads digits moved by two
# pixels better than those moved by one, because the first pool moves with the image in
# steps of two.
#
# Next: train all three networks on moved digits as well, and compare them again.
