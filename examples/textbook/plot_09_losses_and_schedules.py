"""
Losses and schedules
====================

How much a wrong prediction costs, and how fast to learn from it. You will see the
losses as functions of the raw output, and the learning rate curve of every schedule.
"""

# %%
# Losses of a classifier, for a positive sample. All decrease as the raw output
# increases, "hinge" and "perceptron" until they reach zero. Far on the wrong side, all
# losses but the squared error have a slope; the squared error is flat there, and
# learning is slow.

import matplotlib.pyplot as plt
import numpy as np

from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, LossBuffers
from sknet.schedules import SCHEDULES, Clock, Warmup


plt.style.use("seaborn-v0_8-colorblind")


def values(loss, raw, target):
    """Return the loss of each raw output, one sample at a time."""
    buffers, out = LossBuffers(1, 1, 1, np.dtype(float)), np.empty((1, 1, 1))
    y = np.full((1, 1, 1), target)
    rows = (np.full((1, 1, 1), r) for r in raw)
    return [loss.value_and_gradient(row, y, 1.0, out, buffers)[0] for row in rows]


raw = np.linspace(-4.0, 4.0, 161)
_, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name in CLASS_LOSSES:
    if name != "custom":
        axes.plot(
            raw, values(CLASS_LOSSES[name](exclusive=False), raw, 1.0), label=name
        )
axes.set(xlabel="raw output", ylabel="loss")
axes.legend()

# %%
# Losses of a regressor. Left: the weight of large errors, for a target of zero. Right:
# losses whose raw output is the logarithm of the prediction, for a target of one.
# "poisson" penalises predictions that are too large, "gamma" those that are too small.
# The Gaussian likelihood has two raw outputs; the last page of the course shows it.

_, panels = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
left, right = panels
for name, family in VALUE_LOSSES.items():
    if name == "custom" or family().n_raw(1) > 1:
        continue
    if family().link_name == "identity":
        left.plot(raw, values(family(), raw, 0.0), label=name)
    else:
        cost = np.array(values(family(), raw, 1.0))
        right.plot(raw, cost - cost.min(), label=name)
left.set(xlabel="error", ylabel="loss")
right.set(xlabel="raw output: log of the answer", ylabel="loss, less its least")
right.set(ylim=(0.0, 8.0))
for axes in panels:
    axes.legend()

# %%
# Schedules, planned over 100 epochs of 1000 samples. "adaptive" depends on the loss,
# and is therefore constant here.

epochs = np.arange(0.0, 100.0, 0.1)
clocks = [Clock(int(e), 1000 * int(e), e / 100.0) for e in epochs]
columns = 3
rows = -(-len(SCHEDULES) // columns)
_, panels = plt.subplots(
    rows, columns, figsize=(9, 2.0 * rows), layout="constrained", sharex=True
)
for axes, name in zip(panels.flat, SCHEDULES, strict=False):
    schedule = (
        Warmup("cosine", fraction=0.1) if name == "warmup" else SCHEDULES.make(name)
    )
    course = [schedule.factor(clock) for clock in clocks]
    axes.plot(epochs, course)
    axes.set(title=name, xlabel="epoch", ylabel="factor", ylim=(0.0, 1.05))
    print(f"{name:12s} mean factor {np.mean(course):.3f}")
plt.show()

# %%
# Next: draw ``CosLog(cycles=2)``, and compare where its cycles end with those of
# ``Cosine(cycles=2)``.
