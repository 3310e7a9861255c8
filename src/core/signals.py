"""Ctrl-C: the first one is noted and obeyed at the next good place, the second one ends at once."""

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)
ENDING = (signal.SIGINT, signal.SIGTERM)  # schedulers of clusters send the second one before they kill
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
    """Put a Ctrl-C inside the block off until `check`, or until its end; raised amid TensorFlow's work it can crash it.

    Does nothing in another thread than the main one, or where somebody else decides what Ctrl-C does.
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
    """Raise the KeyboardInterrupt that was put off, if there is one."""
    if _pending.is_set():
        raise KeyboardInterrupt
