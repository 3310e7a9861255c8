"""Which sizes of an image are accepted, judged by its header, and how much memory images under work take together."""

import ctypes
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from src.core.files import write_text

log = logging.getLogger(__name__)

MIN_SIDE = 8  # pixels; the smallest `image_size` of params.yaml: a single pixel shows nothing
WORK_BYTES = 10  # for each allowed pixel: what 8-bit RGB takes while it is decoded, a progressive JPEG as well
NOTED_BYTES = 64 * 2**20  # smaller images do not bring a machine down
MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h


def check_size(width: int, height: int, max_megapixels: float, bytes_per_pixel: int = WORK_BYTES) -> int:
    """Check the size that a header states, before any memory is taken for the pixels; return the bytes of work.

    bytes_per_pixel: what decoding takes at its peak, copies included.

    Raises:
        UnreadableError: too small to show anything, or too large.
    """
    if width * height > max_megapixels * 1e6:
        raise UnreadableError(f"too large: {width}x{height} is above preprocess.max_megapixels ({max_megapixels:g})")
    if min(width, height) < MIN_SIDE:
        raise UnreadableError(f"too small: {width}x{height}, expected at least {MIN_SIDE} pixels a side")
    work, allowed = width * height * bytes_per_pixel, work_bytes(max_megapixels)
    if work > allowed:
        raise UnreadableError(
            f"too large: {width}x{height} in this format takes {work / 1e6:.0f} MB to decode, "
            f"preprocess.max_megapixels ({max_megapixels:g}) allows {allowed / 1e6:.0f} MB"
        )
    return work


def work_bytes(max_megapixels: float) -> float:
    """Return how much memory the decoding of images may take: 1 GB for 100 megapixels."""
    return max_megapixels * 1e6 * WORK_BYTES


class UnreadableError(Exception):
    """A file that goes to rejected.csv; the message is the reason, without the file's name."""


class Memory:
    """Bytes that threads share: one that asks for more than is free waits, so the largest images come one by one."""

    def __init__(self, total: float = float("inf")) -> None:
        self._total = self._free = total
        self._changed = threading.Condition()
        self._large: list[str] = []
        self.note: Path | None = None  # lists the large files under work while there are any

    @contextmanager
    def taking(self, size: float, what: str) -> Iterator[None]:
        """Reserve `size` bytes, at most the total; `what` names the file. A thread may hold only one reservation."""
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

    By default glibc keeps freed blocks of up to 32 MB, the kind that Pillow and OpenCV allocate. This left 600 MB in
    use beside the next large image.
    """
    with suppress(OSError, AttributeError, TypeError):  # another C library, or Windows
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, 2**20)


def report_killed(note: Path) -> None:
    """Log which files were being decoded when the last run was killed, as its note says, and remove the note."""
    if note.is_file():
        names = ", ".join(note.read_text("utf-8").split("\n")[:-1])
        log.warning("the last run was killed while it decoded %s; a lower preprocess.max_megapixels rejects it", names)
        note.unlink()
