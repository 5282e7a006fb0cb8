"""
Data that do not fit into memory
================================

``partial_fit`` takes the data one chunk at a time, and ``fit`` takes a file on disk
that is mapped into memory. This example shows how the accuracy grows with the chunks,
and that both ways need little memory.
"""

# %%
# A stand-in for a large file: 60,000 rows of 40 columns in a temporary folder.

import tempfile
import tracemalloc
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sknet import SimpleMLPClassifier


N_ROWS, N_COLUMNS, N_CHUNK = 60_000, 40, 3_000
rng = np.random.default_rng(0)
rule = rng.normal(size=(N_COLUMNS, 2))


def label(rows):
    """Return 1 where a product of two projections is positive."""
    return (np.prod(rows @ rule, axis=1) > 0).astype(int)


folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "rows.npy"
on_disk = np.lib.format.open_memmap(path, "w+", "float32", (N_ROWS, N_COLUMNS))
for start in range(0, N_ROWS, N_CHUNK):
    on_disk[start : start + N_CHUNK] = rng.normal(size=(N_CHUNK, N_COLUMNS))
on_disk.flush()
del on_disk
print(f"{path.stat().st_size / 1e6:.1f} MB on disk")

# %%
# The file is opened again, for reading. Each call of ``partial_fit`` is one epoch over
# its chunk; the first call names all classes, since a chunk need not contain all of
# them. The optimizer and the random stream continue from call to call.

X = np.load(path, mmap_mode="r")
X_new = rng.normal(size=(2_000, N_COLUMNS)).astype("float32")
y_new = label(X_new)
network = SimpleMLPClassifier((128,), learning_rate_init=0.005, random_state=0)
rows_seen, accuracy = [], []
tracemalloc.start()
for _ in range(3):
    for start in range(0, N_ROWS, N_CHUNK):
        chunk = np.asarray(X[start : start + N_CHUNK])
        network.partial_fit(chunk, label(chunk), classes=[0, 1])
        rows_seen.append(network.t_)
        accuracy.append(network.score(X_new, y_new))
peak = tracemalloc.get_traced_memory()[1]
tracemalloc.stop()
print(
    f"{network.n_epochs_} calls, accuracy {accuracy[-1]:.3f}, peak {peak / 1e6:.1f} MB"
)

figure, panel = plt.subplots(figsize=(6, 3.4), layout="constrained")
panel.plot(rows_seen, accuracy, color="#0072B2", marker="o", ms=3)
for n_passes in (1, 2):
    panel.axvline(n_passes * N_ROWS, color="#999999", lw=1, ls=":")
panel.set(
    xlabel="rows seen (dotted: a pass over the file)", ylabel="accuracy, new rows"
)
plt.show()

# %%
# If only X is large, the mapped file can be passed to ``fit``. Rows are gathered batch
# by batch, so the file is never copied, and they are shuffled over the whole file.
# With a separate validation set, early stopping need not split off rows.

y = np.concatenate([label(X[i : i + N_CHUNK]) for i in range(0, N_ROWS, N_CHUNK)])
network = SimpleMLPClassifier(
    (128,),
    learning_rate_init=0.005,
    early_stopping=True,
    n_iter_no_change=2,
    tol=0.01,
    random_state=0,
)
tracemalloc.start()
network.fit(X, y, X_val=X_new, y_val=y_new)
peak = tracemalloc.get_traced_memory()[1]
tracemalloc.stop()
print(
    f"{network.n_iter_} epochs, accuracy {network.score(X_new, y_new):.3f}, "
    f"peak {peak / 1e6:.1f} MB"
)
del X
folder.cleanup()

# %%
# What to try next: your own file with ``np.load(..., mmap_mode="r")``; rows of type
# ``uint8`` with ``dtype="float32"``, converted batch by batch; ``pickle`` between two
# calls of ``partial_fit``, which does not change the result.
