"""What a call allocates, as tracemalloc counts it: NumPy's arrays included."""

import gc
import tracemalloc


MB = 1_000_000


def peak_of(function):
    """Return the peak of newly allocated memory in one call, in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def smallest_peak_of(function, n_calls=5):
    """Return the smallest peak of several equal calls, in bytes.

    For comparisons to the last hundred bytes. All threads of the process are counted,
    and those of pytest-xdist and of other libraries allocate when they like: some
    kilobytes, in some of the calls.
    """
    return min(peak_of(function) for _ in range(n_calls))


def kept_by(function):
    """Return what is still there after one call, in bytes, garbage apart."""
    tracemalloc.start()
    try:
        function()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
