"""Interrupts: Ctrl-C ends a training where it stands, and loses nothing of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Lets Ctrl-C in while a network is trained; afterwards it waits for the results.

    Used as a context manager around a training and what makes a model of it. Only
    inside of :meth:`let_in` the exception is raised, once; what comes before waits for
    it, and what comes later is noted.
    Outside of the main thread, and where somebody listens to the signal already, it
    changes nothing.

    Attributes
    ----------
    came : bool
        Whether an interrupt came while none was let in.
    raised : bool
        Whether one was let in. Its exception may have met a finalizer, or a function of
        a user, and gone no further: whoever trains looks here after each epoch.
    """

    def __init__(self) -> None:
        self.came = False
        self.raised = False
        self._open = False
        self._installed = False

    def __enter__(self) -> Interrupts:
        """Listen to the signal instead of Python."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._hear)
            self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signal back to Python."""
        if self._installed:
            self._installed = False
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def let_in(self) -> Iterator[None]:
        """Let interrupts in, inside of the block; first of all one that is waiting."""
        self._open = True
        try:
            self.raise_if_came()
            yield
        finally:
            self._open = False

    def raise_if_came(self) -> None:
        """Raise the exception of an interrupt that waits, or has come no further."""
        if self.came or self.raised:
            self.came = False
            raise KeyboardInterrupt

    def _hear(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, or note that it has to wait."""
        if self._open:
            self._open = False  # a second one must not tear what the first one ends
            self.raised = True
            signal.default_int_handler(number, frame)
        self.came = True
