"""A program that is killed: fits with a checkpoint, dies at random moments, goes on.

``test_killed.py`` runs it in a process of its own, so that the children it forks have
one thread and a fresh import. It prints a line of JSON.

    python killed.py FOLDER N_KILLS SEED
"""

import json
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from sknet import Checkpoint, SimpleMLPClassifier, TabularMLPRegressor
from sknet._archive import read_archive


warnings.simplefilter("ignore")  # few iterations are what it is about
X, Y = load_digits(return_X_y=True)
X, Y = X[:300] / 16.0, Y[:300]
MODELS = {
    "network": SimpleMLPClassifier(
        (40,), max_iter=60, dropout=0.1, early_stopping=True
    ),
    "ensemble": SimpleMLPClassifier((12,), max_iter=40, n_estimators=3, bootstrap=True),
    "table": TabularMLPRegressor((16,), max_iter=25, n_estimators=2),
}
MODELS["network"].set_params(n_iter_no_change=np.inf)


def in_child(deed):
    """Run something in a child process; return its number."""
    child = os.fork()
    if child:
        return child
    try:
        deed()
        os._exit(0)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)


def train(model, folder):
    """Fit with a checkpoint after every epoch, and keep the result."""
    checkpoint = Checkpoint(folder / "run.npz", epochs=1)
    model.set_params(random_state=0, n_jobs=1, checkpoint=checkpoint).fit(X, Y)
    np.savez(folder / "result.npz", theta=model.theta_, curve=model.loss_curve_)


def kill_and_go_on(model, folder, n_kills, rng):
    """Kill fits at random moments; tell how, and whether the result is undisturbed."""
    whole = model.set_params(random_state=0, n_jobs=1).fit(X, Y)
    theta, curve = whole.theta_, whole.loss_curve_
    start = time.perf_counter()
    os.waitpid(in_child(lambda: train(model, folder)), 0)
    undisturbed = time.perf_counter() - start
    report = {"killed": 0, "in_a_write": 0, "runs": 0, "fits": 0, "same_bits": True}
    epochs = set()
    while report["killed"] < n_kills:
        report["runs"] += 1
        (folder / "result.npz").unlink(missing_ok=True)
        while not (folder / "result.npz").exists():
            report["fits"] += 1
            child = in_child(lambda: train(model, folder))
            time.sleep(rng.uniform(0.0, 0.5 * undisturbed))
            if report["killed"] < n_kills:
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            report["killed"] += os.WIFSIGNALED(status)
            report["in_a_write"] += (folder / "run.npz.part").exists()
            if (folder / "run.npz").exists():
                members = read_archive(folder / "run.npz")["members"]
                epochs.add(max(member["n_done"] for member in members))
            if os.WIFEXITED(status) and os.WEXITSTATUS(status):
                raise SystemExit("a fit failed")
        with np.load(folder / "result.npz") as result:
            same = np.array_equal(result["theta"], theta)
            report["same_bits"] &= same and result["curve"].tolist() == curve
    report["epochs"] = len(epochs)
    report["left"] = sorted(p.name for p in folder.iterdir() if p.stem != "result")
    return report


def refused(deed):
    """Run something in a child that expects an OSError; return its message."""
    reader, writer = os.pipe()

    def tell():
        try:
            deed()
        except OSError as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())

    os.waitpid(in_child(tell), 0)
    os.close(writer)
    with os.fdopen(reader) as text:
        return text.read()


def full_disk(folder):
    """Files may not grow beyond what the first checkpoint needs: the system says no."""

    def deed():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        train(MODELS["network"], folder)

    return {"error": refused(deed), "left": sorted(os.listdir(folder))}


def read_only(folder):
    """A folder that the user may not write to."""
    folder.chmod(0o555)

    def deed():
        if os.geteuid() == 0:  # nothing is read-only for root
            os.setuid(65534)
        train(MODELS["network"], folder)

    return {"error": refused(deed), "left": sorted(os.listdir(folder))}


def main():
    """Do all of it, and report."""
    folder, n_kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng, report = np.random.default_rng(seed), {}
    for name, model in MODELS.items():
        place = folder / name
        place.mkdir()
        report[name] = kill_and_go_on(model, place, n_kills, rng)
    for deed in (full_disk, read_only):
        place = folder / deed.__name__
        place.mkdir()
        report[deed.__name__] = deed(place)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
