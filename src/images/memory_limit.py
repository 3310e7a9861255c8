"""A limit on the memory that images under work take together, and a note of the large ones for the case of a kill."""

import ctypes
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from src.core.files import write_text

log = logging.getLogger(__name__)
NOTED_BYTES = 64 * 2**20  # smaller images do not bring a machine down
MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h


class Memory:
    """Bytes that threads share: who asks for more than is free waits, so that the largest images come one by one."""

    def __init__(self, total: float = float("inf")) -> None:
        self._total = self._free = total
        self._changed = threading.Condition()
        self._large: list[str] = []
        self.note: Path | None = None  # lists the large files under work while there are any

    @contextmanager
    def taking(self, size: float, what: str) -> Iterator[None]:
        """Reserve `size` bytes, or all where there are fewer; `what` names the file. A thread may have only one."""
        size = min(size, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
            if size > NOTED_BYTES:
                self._write([*self._large, what])
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                if size > NOTED_BYTES:
                    self._write([name for name in self._large if name != what])
                self._changed.notify_all()

    def _write(self, large: list[str]) -> None:
        self._large = large
        if self.note and large:
            write_text(self.note, "\n".join(large) + "\n")
        elif self.note:
            self.note.unlink(missing_ok=True)


def give_back() -> None:
    """Let blocks of a megabyte or more go back to the system once they are freed, where the C library is glibc's.

    By itself it keeps those of up to 32 MB, as which Pillow and OpenCV take theirs: 600 MB beside the next large image.
    """
    with suppress(OSError, AttributeError, TypeError):  # another C library, or Windows
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, 2**20)


def report_killed(note: Path) -> None:
    """Log at which files a run that left its note was killed, and remove the note."""
    if note.is_file():
        names = ", ".join(note.read_text("utf-8").split("\n")[:-1])
        log.warning("the last run was killed while it decoded %s; a lower preprocess.max_megapixels rejects it", names)
        note.unlink()
