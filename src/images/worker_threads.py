"""Work on all cores in one process: OpenCV releases the interpreter lock, so threads do, and start in no time."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import cv2

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 8  # results per thread that may wait for a slow one before them


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, ahead: int = AHEAD
) -> Iterator[Result]:
    """Work on items in threads and give the results in the order of the items, holding a bounded number of both.

    If the caller stops early (Ctrl-C), work that has not started is cancelled.
    """
    waiting: deque[Future[Result]] = deque()
    source = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="prepare")
    try:
        with one_thread_in_opencv():
            waiting.extend(pool.submit(work, item) for item in islice(source, threads * ahead))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(source, 1))
                yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_thread_in_opencv() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own, which would fight with ours for the cores."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
