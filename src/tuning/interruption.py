"""Ctrl-C once: the search ends at the next epoch; twice: at once."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from src.tuning.driver import Stop

log = logging.getLogger(__name__)
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # schedulers of clusters send the second one before they kill


@contextmanager
def handled(stop: Stop) -> Iterator[None]:
    """Let the first signal inside the block ask for a stop, and the second one raise KeyboardInterrupt."""

    def note(number: int, frame: FrameType | None) -> None:
        if stop.interrupted:
            raise KeyboardInterrupt
        stop.interrupted = True
        log.warning("stopping at the next epoch; once more to stop at once")

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
