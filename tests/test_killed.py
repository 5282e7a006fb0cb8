"""SIGKILL at random moments, a full disk, a read-only folder: on real processes."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="the program forks, which this system does not"
)

PROGRAM = Path(__file__).with_name("killed.py")


def run(n_kills, seed):
    """What the program reports, of a folder that other users may enter."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        command = [sys.executable, str(PROGRAM), folder, str(n_kills), str(seed)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def check(report, n_kills):
    """Assert what must hold after all those kills."""
    for name in ("network", "ensemble", "table"):
        found = report[name]
        assert found["killed"] == n_kills
        assert found["same_bits"]
        assert found["left"] == []  # nothing is left behind, half-written or whole
    assert "checkpoint=" in report["full_disk"]["error"]
    assert "cannot be written (File too large)" in report["full_disk"]["error"]
    assert report["full_disk"]["left"] == []
    assert report["read_only"]["error"].startswith("PermissionError")
    assert "cannot be written (Permission denied)" in report["read_only"]["error"]


def test_killed_fits_go_on():
    """A few kills of a network, an ensemble and a network for tables."""
    check(run(4, seed=0), 4)


@pytest.mark.slow
def test_fifty_kills_lose_nothing():
    """Fifty of each, many of them while a checkpoint is written."""
    report = run(50, seed=1)
    check(report, 50)
    assert sum(report[name]["in_a_write"] for name in ("network", "ensemble")) > 10
    for name in ("network", "ensemble", "table"):
        assert report[name]["epochs"] > 8  # killed all over the training
