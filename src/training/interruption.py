"""Ctrl-C between two batches: raised in the middle of TensorFlow's work it can crash the process."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


@contextmanager
def held() -> Iterator[None]:
    """Hold a Ctrl-C inside the block back until `check`, or until the end of the block; a second one comes at once.

    Does nothing in another thread than the main one, or where somebody else decides what Ctrl-C does.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        if _asked.is_set():
            raise KeyboardInterrupt
        _asked.set()

    _asked.clear()
    signal.signal(signal.SIGINT, note)
    try:
        yield
        check()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _asked.clear()


def check() -> None:
    """Raise the KeyboardInterrupt that was held back, if there is one."""
    if _asked.is_set():
        raise KeyboardInterrupt
