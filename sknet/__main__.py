"""The output of ``python -m sknet``: versions, engine, BLAS, speed and advice.

A fit spends almost all of its time in matrix products, so its speed depends on the
library that computes them (BLAS) and on the kernel it chose for this processor.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import __version__
from sknet.engine import library


PACKAGES = ("numpy", "scipy", "scikit-learn", "threadpoolctl")
FLAGS = ("avx2", "avx512f")
AVX512_KERNELS = ("skylakex", "cooperlake", "sapphirerapids")
CORETYPE = "OPENBLAS_CORETYPE"
BETTER_KERNEL = "SkylakeX"
WORTH_SAYING = 1.15
SECONDS = 0.5
SIZE = 512


def parse_cpuinfo(text: str) -> tuple[str, frozenset[str]]:
    """Return the processor's name and its feature flags.

    Parameters
    ----------
    text : str
        Content of ``/proc/cpuinfo``; empty on systems without it.

    Returns
    -------
    model : str
        Empty if it is not given in the text.
    flags : frozenset of str
        Empty if they are not given in the text.
    """
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    flags = fields.get("flags") or fields.get("features") or ""
    return fields.get("model name", ""), frozenset(flags.split())


def processor() -> tuple[str, frozenset[str]]:
    """Return the name of this processor and its feature flags."""
    path = Path("/proc/cpuinfo")
    model, flags = parse_cpuinfo(path.read_text() if path.exists() else "")
    return model or platform.processor() or platform.machine(), flags


def versions() -> str:
    """Return the versions of Python and the relevant packages on one line."""
    ours = [f"sknet {__version__}", f"python {platform.python_version()}"]
    return ", ".join([*ours, *(f"{name} {version(name)}" for name in PACKAGES)])


def namesake() -> str | None:
    """Return advice if another project with the same import name is installed."""
    found = [d for d in distributions() if (d.name or "").lower() == "sknet"]
    if not found:
        return None
    return (
        "Another project that is imported as sknet is installed here: "
        f"{found[0].name} {found[0].version}. The two overwrite each other's files. "
        "Install it in a separate environment:\n\n    pip uninstall sknet\n"
        "    pip install --force-reinstall --no-deps sknet-mlp  # or from a clone: .\n"
    )


def blas_infos() -> list[dict[str, Any]]:
    """Return the entries of threadpoolctl for each loaded BLAS."""
    return [info for info in threadpool_info() if info["user_api"] == "blas"]


def describe_blas(info: Mapping[str, Any]) -> str:
    """Return one line that describes a BLAS: version, kernel, threads and owner.

    Parameters
    ----------
    info : mapping
        An entry of `threadpoolctl.threadpool_info`.
    """
    folder = Path(info.get("filepath") or ".").parent.name
    kernel = info.get("architecture") or "unknown"
    return (
        f"{info['internal_api']} {info.get('version') or '(no version)'}, "
        f"kernel {kernel}, {info['num_threads']} thread(s), from {folder}"
    )


def describe_engine(compiled: library.Library | None, reason: str) -> str:
    """Return one line that says what computes the training steps.

    Parameters
    ----------
    compiled : Library, optional
        The compiled library, if there is one.
    reason : str
        Why there is none.
    """
    if compiled is None:
        return f"NumPy. {reason}"
    instructions = compiled.instruction_set or "not known"
    return f"compiled, instruction set: {instructions}, from {compiled.path.name}"


def older_kernels(
    infos: Sequence[Mapping[str, Any]], flags: frozenset[str]
) -> list[str]:
    """Return the OpenBLAS kernels in use that do not use this processor's AVX-512.

    Parameters
    ----------
    infos : sequence of mappings
        Entries of `threadpoolctl.threadpool_info`.
    flags : frozenset of str
        The processor's feature flags.
    """
    if "avx512f" not in flags:
        return []
    kernels = {
        info.get("architecture") or ""
        for info in infos
        if info.get("internal_api") == "openblas"
    }
    return sorted(k for k in kernels if k and k.lower() not in AVX512_KERNELS)


def missing_openblas(infos: Sequence[Mapping[str, Any]]) -> str:
    """Return a message if no OpenBLAS is loaded, otherwise an empty string.

    Parameters
    ----------
    infos : sequence of mappings
        Entries of `threadpoolctl.threadpool_info`.
    """
    names = sorted({info["internal_api"] for info in infos})
    if "openblas" in names:
        return ""
    if names:
        return f"No OpenBLAS: matrix products come from {', '.join(names)}."
    return "No BLAS that threadpoolctl can control: n_threads has no effect."


def kernel_advice(
    kernels: Sequence[str], gain: float, chosen: str | None = None
) -> str:
    """Return advice on the kernel, given the measured gain of the better kernel.

    Parameters
    ----------
    kernels : sequence of str
        The result of `older_kernels`.
    gain : float
        Speed with the better kernel divided by the current speed.
    chosen : str, optional
        The current value of ``OPENBLAS_CORETYPE``, if it is set.
    """
    reason = f" ({CORETYPE}={chosen} is set)" if chosen else ""
    used = "/".join(kernels)
    said = (
        f"OpenBLAS uses its {used} kernel on a processor with AVX-512{reason}.\n"
        f"Its {BETTER_KERNEL} kernel ran at {gain:.2f} times that speed"
    )
    if gain <= WORTH_SAYING:
        return f"{said}: no change is needed."
    return f"{said}. Before starting Python, set:\n\n    {CORETYPE}={BETTER_KERNEL}\n"


def product_rate(dtype: str, seconds: float) -> float:
    """Return the speed of square matrix products in GFLOP/s.

    Parameters
    ----------
    dtype : str
        "float32" or "float64".
    seconds : float
        Duration of the measurement.
    """
    left = np.full((SIZE, SIZE), 1 / SIZE, dtype)
    right, out = left.copy(), left.copy()
    np.matmul(left, right, out=out)
    count, start, passed = 0, time.perf_counter(), 0.0
    while passed < seconds:
        np.matmul(left, right, out=out)
        count += 1
        passed = time.perf_counter() - start
    return 2e-9 * SIZE**3 * count / passed


def product_rates(seconds: float = SECONDS) -> dict[str, float]:
    """Return GFLOP/s for both dtypes, on one thread and on all threads.

    Parameters
    ----------
    seconds : float
        Total duration of the measurement.
    """
    rates = {}
    for name, limit in (("one thread", 1), ("all threads", None)):
        with threadpool_limits(limit, user_api="blas"):
            for dtype in ("float32", "float64"):
                rates[f"{dtype}, {name}"] = product_rate(dtype, seconds / 4)
    return rates


def child_rates() -> dict[str, float] | None:
    """Return `product_rates` from a child process with the better kernel."""
    done = subprocess.run(
        [sys.executable, "-m", "sknet", "--rates"],
        env={**os.environ, CORETYPE: BETTER_KERNEL},
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode else json.loads(done.stdout)


def measured_gain(now: Mapping[str, float], then: Mapping[str, float]) -> float:
    """Return the median ratio of two results of `product_rates`.

    Parameters
    ----------
    now, then : mapping
        Rates by name; the gain is `then` divided by `now`.
    """
    return median(then[name] / rate for name, rate in now.items())


def diagnose() -> None:
    """Print the whole diagnosis."""
    model, flags = processor()
    infos, rates = blas_infos(), product_rates()
    found = ", ".join(flag for flag in FLAGS if flag in flags) or "not known"
    print(versions())
    if advice := namesake():
        print("\n" + advice)
    print(f"cpu:  {model}, {os.cpu_count()} core(s), vector units: {found}")
    try:
        engine = describe_engine(library.load(), library.reason())
    except ValueError as error:  # a value of SKNET_ENGINE that means nothing
        engine = f"none: {error}"
    print(f"engine: {engine}")
    for info in infos:
        print(f"blas: {describe_blas(info)}")
    for name, rate in rates.items():
        print(f"matrix products, {name}: {rate:.0f} GFLOP/s")
    kernels = older_kernels(infos, flags)
    better = child_rates() if kernels else None
    if better:
        gain = measured_gain(rates, better)
        print("\n" + kernel_advice(kernels, gain, os.environ.get(CORETYPE)))
    elif advice := missing_openblas(infos):
        print("\n" + advice)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m sknet", description=__doc__)
    parser.add_argument("--rates", action="store_true", help="print only rates (JSON)")
    if parser.parse_args().rates:
        print(json.dumps(product_rates()))
    else:
        diagnose()


if __name__ == "__main__":
    main()
