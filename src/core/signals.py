"""Ctrl-C: the first one is recorded and takes effect at the next safe point, the second one at once."""

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)
ENDING = (signal.SIGINT, signal.SIGTERM)  # cluster schedulers send SIGTERM before they kill a job
_pending = threading.Event()


@contextmanager
def noted(pending: threading.Event, numbers: Sequence[signal.Signals] = ENDING, message: str = "") -> Iterator[None]:
    """Set the event at the first signal inside the block, and raise KeyboardInterrupt at a second one."""

    def note(number: int, frame: FrameType | None) -> None:
        if pending.is_set():
            raise KeyboardInterrupt
        pending.set()
        if message:
            log.warning(message)

    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """Defer a Ctrl-C in the block until `check` or the end of the block: an exception inside TensorFlow can crash it.

    Does nothing outside the main thread, or if another handler for SIGINT is installed.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    _pending.clear()
    try:
        with noted(_pending, (signal.SIGINT,)):
            yield
            check()
    finally:
        _pending.clear()


def check() -> None:
    """Raise the deferred KeyboardInterrupt, if there is one."""
    if _pending.is_set():
        raise KeyboardInterrupt
