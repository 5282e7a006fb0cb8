"""Interrupts: Ctrl-C ends a training without losing its results."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Allows Ctrl-C during training, and defers it while results are assembled.

    Used as a context manager around a training and the creation of its model. The
    exception is only raised inside :meth:`allowed`, and only once: an earlier interrupt
    is deferred until then, and a later one is recorded.

    It has no effect outside of the main thread, or if the signal has another handler.

    Attributes
    ----------
    came : bool
        Whether an interrupt came while none was allowed.
    raised : bool
        Whether the exception was raised. It may have been swallowed by a finalizer or a
        user's function, so this attribute is checked after each epoch.
    """

    def __init__(self) -> None:
        self.came = False
        self.raised = False
        self._open = False
        self._installed = False

    def __enter__(self) -> Interrupts:
        """Install a handler of the signal in place of Python's."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        """Restore Python's handler of the signal."""
        if self._installed:
            self._installed = False
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Allow interrupts inside the block; a deferred one is raised first."""
        self._open = True
        try:
            self.raise_if_came()
            yield
        finally:
            self._open = False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defer interrupts inside the block, in which code looks at :attr:`came`.

        Without an exception, a deferred interrupt is raised at its end. Only the main
        thread defers them, since no other one gets them.
        """
        defers = self._open and threading.current_thread() is threading.main_thread()
        if defers:
            self._open = False
        try:
            yield
        finally:
            self._open = self._open or defers
        if defers and self.came:
            self.came, self.raised = False, True
            raise KeyboardInterrupt

    def raise_if_came(self) -> None:
        """Raise the exception of an interrupt that was deferred or swallowed."""
        if self.came or self.raised:
            self.came = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, or record that it is deferred."""
        if self._open:
            self._open = False  # a second one must not disturb the end of training
            self.raised = True
            signal.default_int_handler(number, frame)
        self.came = True
