"""Results keep the order of the items, and no more is begun than may wait."""

import threading
import time
from itertools import count

import cv2
import pytest

from src.images.worker_threads import AHEAD, cores, ordered


def test_results_keep_the_order_however_long_each_takes() -> None:
    def work(number: int) -> int:
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number * 10

    assert list(ordered(work, range(40), 4)) == [number * 10 for number in range(40)]


@pytest.mark.parametrize("items", [0, 1, 5])
def test_few_items_are_no_problem(items: int) -> None:
    assert list(ordered(abs, range(items), 4)) == list(range(items))


def test_it_is_done_in_threads() -> None:
    both = threading.Barrier(2, timeout=10)  # passed only when two are there at once
    assert len(list(ordered(lambda _: both.wait(), range(2), 2))) == 2


def test_what_runs_ahead_is_bounded() -> None:
    taken = count()
    results = ordered(abs, taken, 2)
    for _ in range(10):
        next(results)
    assert next(taken) <= 10 + 2 * AHEAD + 1
    results.close()  # type: ignore[attr-defined]


def test_stopping_early_leaves_the_rest_undone() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.02)
        return number

    results = ordered(work, range(1000), 2)
    next(results)
    started = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 1
    assert len(begun) < 10


def test_an_error_in_the_work_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ordered(lambda number: 1 // (number - 3), range(10), 2))


def test_opencv_gets_its_threads_back() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        inside = set(ordered(lambda _: cv2.getNumThreads(), range(4), 2))
        assert inside == {1}
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_there_is_a_core() -> None:
    assert cores() >= 1
