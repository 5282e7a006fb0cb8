"""
Losses and schedules
====================

What a wrong answer costs, and how fast to learn from it. You will see the losses as
functions of the raw output, and the course of the learning rate of every schedule.
"""

# %%
# Losses of a classifier, for a sample whose answer should be yes. All but the squared
# error go on falling as the raw output says it ever more surely; far on the wrong side
# the squared error is flat, and so learns slowly.

import matplotlib.pyplot as plt
import numpy as np

from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, LossBuffers
from sknet.schedules import SCHEDULES, Clock, Warmup


def values(loss, raw, target):
    """Return the loss of each raw output, one sample at a time."""
    work, out = LossBuffers(1, 1, 1, np.dtype(float)), np.empty((1, 1, 1))
    y = np.full((1, 1, 1), target)
    rows = (np.full((1, 1, 1), r) for r in raw)
    return [loss.value_and_gradient(row, y, 1.0, out, work)[0] for row in rows]


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
# Losses of a regressor, for a target of zero: how much large errors weigh. Those with
# several raw outputs, or another link, have pages of their own.

_, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, family in VALUE_LOSSES.items():
    if name != "custom" and family().link_name == "identity":
        axes.plot(raw, values(family(), raw, 0.0), label=name)
axes.set(xlabel="error", ylabel="loss")
axes.legend()

# %%
# Schedules, over a plan of 100 epochs of 1000 samples. "adaptive" waits for the loss,
# and so is a constant here.

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
    axes.set(title=f"{schedule!r}", xlabel="epoch", ylabel="factor", ylim=(0.0, 1.05))
    print(f"{name:12s} mean factor {np.mean(course):.3f}")
plt.show()

# %%
# Next: draw ``CosLog(cycles=2)``, and compare where its restarts end with those of
# ``Cosine(cycles=2)``.
