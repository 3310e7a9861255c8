"""What the executor of a cluster does when errands fail or are no longer wanted; the cluster is only pretended."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from src.tuning.cluster import scheduler
from src.tuning.jobs import Epoch, Lost
from tests.tuning.clusters import until
from tests.tuning.conftest import Home

pytest.importorskip("distributed")
from src.tuning.cluster import supply
from src.tuning.cluster.executor import ClusterExecutor

WORKER = "tcp://10.0.0.1:4000"


class Pretended:
    """What the executor uses of a Dask client: one worker, and tasks that do what a test says."""

    status = "running"

    def __init__(self) -> None:
        self.tasks: dict[str, Any] = {}  # by token
        self.cancelled: list[str] = []
        self.supplied = threading.Event()  # cleared, the worker takes for ever to look for images
        self.supplied.set()

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        return {"workers": {WORKER: {"nthreads": 1}}}

    def subscribe_topic(self, topic: str, handler: Callable[[Any], None]) -> None:
        self.handler = handler

    def run(self, function: Callable[..., Any], *arguments: Any, workers: list[str]) -> dict[str, Any]:
        if function.__name__ == "answer":
            raise OSError("connection reset\nby peer")
        if function.__name__ == "look":
            return {WORKER: {"versions": supply._own_versions(), "folder": "/nowhere", "place": "here"}}
        self.supplied.wait()
        return {WORKER: function.__name__ == "has"}

    def submit(
        self, function: object, job: object, home: str, code: str, topic: str, token: str, *_: Any, **__: Any
    ) -> Any:
        self.tasks[token] = SimpleNamespace(
            cancel=partial(self.cancelled.append, token), add_done_callback=lambda call: None
        )
        return self.tasks[token]

    def close(self, timeout: float) -> None:
        self.supplied.set()

    def say(self, kind: str, **more: Any) -> None:
        self.handler((0.0, {"kind": kind, "token": next(iter(self.tasks)), **more}))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    made = Pretended()
    monkeypatch.setattr(scheduler, "connected", lambda address, timeout: made)
    return made


@pytest.fixture
def executor(client: Pretended, home: Home) -> Iterator[ClusterExecutor]:
    made = ClusterExecutor("tcp://10.0.0.1:8786", home.folder)
    yield made
    made.close(now=True)


def test_a_training_that_an_answer_does_not_reach_is_lost(
    client: Pretended, executor: ClusterExecutor, home: Home
) -> None:
    executor.submit(home.job(7))
    until(lambda: client.tasks)
    client.say("begun")
    client.say("epoch", row={"epoch": 1.0})
    assert executor.next(5) == Epoch(7, {"epoch": 1.0})
    executor.answer(7, go_on=True)
    assert executor.next(5) == Lost(7, f"{WORKER}: OSError: connection reset")
    until(lambda: client.cancelled == list(client.tasks))
    assert executor.running == 0


def test_jobs_that_nobody_trains_yet_are_taken_back(client: Pretended, executor: ClusterExecutor, home: Home) -> None:
    for number in (3, 4):
        executor.submit(home.job(number))
    until(lambda: client.tasks)
    client.say("begun")
    assert executor.next(0.1) is None
    assert executor.take_back() == [4]
    assert executor.running == 1
    client.say("epoch", row={})
    assert executor.next(5) == Epoch(3, {})
    assert executor.take_back() == client.cancelled == []


@pytest.mark.parametrize("supplied", [True, False])
def test_a_job_on_its_way_is_taken_back_and_its_task_cancelled(
    client: Pretended, executor: ClusterExecutor, home: Home, supplied: bool
) -> None:
    if not supplied:
        client.supplied.clear()
    executor.submit(home.job(3))
    until(lambda: client.tasks or not supplied)
    assert executor.take_back() == [3]
    client.supplied.set()
    until(lambda: client.cancelled)
    assert client.cancelled == list(client.tasks)
    client.say("begun")
    client.say("epoch", row={})
    assert executor.next(0.1) is None
    assert executor.running == 0
