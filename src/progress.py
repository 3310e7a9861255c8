"""Progress of long work: a bar in a terminal, a plain line now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

log = logging.getLogger(__name__)
Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0


def track(items: Iterable[Item], total: int, what: str, unit: str = "image") -> Iterator[Item]:
    """Pass the items on while showing how many of `total` are done; `what` names the work."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=what, unit=unit, file=sys.stderr)
    else:
        yield from _lines(items, total, what, unit)


def _lines(items: Iterable[Item], total: int, what: str, unit: str) -> Iterator[Item]:
    started = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            last = now
            log.info("%s: %d of %d %ss, %.0f a second", what, done, total, unit, done / (now - started))
    log.info("%s: %d of %d %ss in %.1f s", what, done, total, unit, time.monotonic() - started)
