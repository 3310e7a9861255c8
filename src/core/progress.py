"""Progress of long operations: a bar in a terminal, elsewhere a log line from time to time."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 10.0
MB = 10**6
Item = TypeVar("Item")


class ByteProgress:
    """Shows how many of `total` bytes are done (None: total unknown); `what` names the operation."""

    def __init__(self, what: str, total: int | None, done: int = 0) -> None:
        self.done = done
        self._what = what
        self._total = total
        self._shown = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                desc=self._what, total=self._total, initial=self.done, unit="B", unit_scale=True, file=sys.stderr
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, count: int) -> None:
        """Record that `count` more bytes are done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        elif time.monotonic() - self._shown >= SECONDS_BETWEEN_LINES:
            self._shown = time.monotonic()
            total = f" of {self._total / MB:.0f}" if self._total else ""
            log.info("%s: %.0f%s MB", self._what, self.done / MB, total)


def about(seconds: float) -> str:
    """Return a rough duration as text, in seconds or minutes.

    >>> about(4.2), about(100)
    ('about 4 s', 'about 2 min')
    """
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


def track(items: Iterable[Item], total: int, what: str, unit: str = "image") -> Iterator[Item]:
    """Yield the items while showing how many of `total` are done; `what` names the operation."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, desc=what, unit=unit, file=sys.stderr)
        return
    started = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        if (now := time.monotonic()) - last >= SECONDS_BETWEEN_LINES:
            last = now
            left = about((now - started) / done * (total - done))
            log.info("%s: %d of %d %ss, %s left", what, done, total, unit, left)
    log.info("%s: %d of %d %ss in %.1f s", what, done, total, unit, time.monotonic() - started)
