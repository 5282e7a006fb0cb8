"""
Images with a convolutional network
===================================

``SimpleCNNClassifier`` takes images as arrays with an axis for the height and one for
the width, and is otherwise used like any classifier. Here it reads scikit-learn's
digits, is compared with a dense network, and is tuned by a grid search.
"""

# %%
# The digits are images of 8 x 8 pixels with values from 0 to 16. Pixels of type uint8
# are divided by 255 in the network, which is right for photographs, whose values go
# up to 255. These digits would be too dark, so they are scaled here.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sknet import Conv, LockstepGridSearchCV, SimpleCNNClassifier, SimpleMLPClassifier


warnings.simplefilter("ignore", ConvergenceWarning)  # so few epochs are meant
plt.style.use("seaborn-v0_8-colorblind")
digits = load_digits()
images = (digits.images / 16.0).astype(np.float32)  # float32 takes half the time
X_train, X_test, y_train, y_test = train_test_split(
    images, digits.target, stratify=digits.target, random_state=0
)
print("shape of the training images:", X_train.shape)

# %%
# Each entry of ``conv_layers`` is a convolution with a normalisation and an activation.
# The second one also has a pool, which halves height and width, so that 4 x 4 places
# with 12 filters enter the hidden layer. The dense network needs rows of pixels, and
# has somewhat more parameters.

params = {"max_iter": 20, "batch_size": 32, "learning_rate_init": 0.003}
params["random_state"] = 0
layers = Conv(12, normalization="batch"), Conv(12, normalization="batch", pool=2)
cnn = SimpleCNNClassifier((32,), conv_layers=layers, **params)
mlp = SimpleMLPClassifier((80, 50), **params)
cnn.fit(X_train, y_train)
mlp.fit(X_train.reshape(len(X_train), -1), y_train)
scores = {
    "convolutional": cnn.score(X_test, y_test),
    "dense": mlp.score(X_test.reshape(len(X_test), -1), y_test),
}
for network, (name, score) in zip((cnn, mlp), scores.items(), strict=True):
    print(f"{name:13} {network.theta_.size} parameters, accuracy {score:.3f}")
print("image_shape_:", cnn.image_shape_, "engine_:", cnn.engine_)

# %%
# Rows of pixels give the same network. Without ``image_shape``, rows whose length is a
# square are taken as square images with one channel.

rows = X_train.reshape(len(X_train), -1)
from_rows = clone(cnn).set_params(image_shape=(8, 8))
from_rows.fit(rows, y_train)
print("the same parameters:", np.array_equal(from_rows.theta_, cnn.theta_))

# %%
# Which layers are best? The candidates of a lockstep search are trained together on
# all folds; those with the same layers share one array. ``conv_layers`` is a parameter
# like any other, and can be searched together with others.

LAYERS = {
    "one layer": (Conv(12, pool=2),),
    "two layers": (Conv(12), Conv(12, pool=2)),
    "stochastic pool": (Conv(12), Conv(12, pool=2, pool_kind="stochastic")),
    "normalised": layers,
}
RATES = (0.003, 0.01)
grid = {"conv_layers": list(LAYERS.values()), "learning_rate_init": RATES}
cnn.set_params(max_iter=8)
search = LockstepGridSearchCV(cnn, grid, cv=3).fit(X_train, y_train)
means = search.cv_results_["mean_test_score"].reshape(len(LAYERS), len(RATES))
best = list(LAYERS)[means.max(axis=1).argmax()]
print(f"best: {best}, learning_rate_init={search.best_params_['learning_rate_init']}")
print(f"accuracy on new digits: {search.score(X_test, y_test):.3f}")
_, axes = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
for marker, name, row in zip("osv^", LAYERS, means, strict=True):
    axes.semilogx(RATES, row, marker + "-", label=name)
axes.set(xlabel="learning_rate_init", ylabel="accuracy on the folds left out")
axes.set_xticks(RATES, [str(rate) for rate in RATES])
axes.minorticks_off()
axes.legend()

# %%
# Some test digits that the best network misreads, with the probability of its answer.

probability = search.predict_proba(X_test)
answers = search.predict(X_test)
wrong = np.flatnonzero(answers != y_test)[:6]
print(f"misread: {(answers != y_test).sum()} of {len(y_test)}")
figure, panels = plt.subplots(
    1, len(wrong), figsize=(8, 2.2), layout="constrained", squeeze=False
)
for axes, i in zip(panels[0], wrong, strict=True):
    axes.imshow(X_test[i], cmap="gray_r")
    read = f"{y_test[i]} read as {answers[i]}\n({probability[i].max():.2f})"
    axes.set(xticks=[], yticks=[], xlabel=read)
panels[0, 0].set_ylabel("pixels")
plt.show()

# %%
# What to try next: digits that are moved by a pixel, which are what a convolutional
# network is for (:ref:`sphx_glr_auto_examples_textbook_plot_13_filters_and_pools.py`);
# ``n_estimators=5``; ``early_stopping=True``. :doc:`/user_guide/images` has more.
