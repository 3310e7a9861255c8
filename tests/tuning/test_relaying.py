"""Trainings of several drivers on one Dask worker of many threads; it is pretended, their processes are real."""

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from src.tuning.cluster import receiving
from tests.conftest import ROOT
from tests.tuning.clusters import until
from tests.tuning.fakes import CHEAP

SECONDS = 20.0


class Pretended:
    """What `relaying` uses of a Dask worker; the name of a thread is the key and the token of its task."""

    status = SimpleNamespace(name="running")

    def __init__(self, heard: Callable[["Pretended", dict[str, Any]], None]) -> None:
        self.heard, self.said = heard, list[dict[str, Any]]()
        self.state = SimpleNamespace(tasks={})

    def get_current_task(self) -> str:
        key = threading.current_thread().name
        self.state.tasks[key] = SimpleNamespace(state="executing")
        return key

    def log_event(self, topic: str, message: dict[str, Any]) -> None:
        self.said.append(message)
        self.heard(self, message)

    def kinds(self, token: str) -> list[str]:
        return [message["kind"] for message in self.said if message["token"] == token]


def relaying(name: str) -> ModuleType:
    """Load the module once more, as a worker does for each digest of code."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "src/tuning/cluster/relaying.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def tasks(worker: Pretended, folder: Path) -> Iterator[Callable[[str], threading.Thread]]:
    """Give what starts a driver's training, with code of its own; all are given up in the end."""
    started = []

    def start(token: str) -> threading.Thread:
        (folder / token).symlink_to(ROOT)  # another folder of code, as drivers with other code have
        job = {"number": len(started), "params": {"train": {"seconds": 0.05}}, "seed": 1}
        given = (job, str(folder), folder / token, "topic", token, CHEAP, worker)
        started.append(threading.Thread(target=relaying(token).train, args=given, name=token))
        started[-1].start()
        return started[-1]

    try:
        yield start
    finally:
        worker.state.tasks.clear()
        for thread in started:
            thread.join(SECONDS)
        if child := getattr(worker, "assay_child", None):
            child.end()


def test_two_drivers_with_different_code_train_one_after_the_other(tmp_path: Path) -> None:
    def answered(worker: Pretended, message: dict[str, Any]) -> None:
        if message["token"] == "one" and message["kind"] == "epoch" and "two" not in worker.state.tasks:
            start("two")
            until(lambda: "two" in worker.state.tasks)
        if message["kind"] == "epoch":
            receiving.answer(message["token"], True, worker)

    worker = Pretended(answered)
    with tasks(worker, tmp_path) as start:
        start("one")
        until(lambda: len(worker.said) == 12)
    assert [message["token"] for message in worker.said] == ["one"] * 6 + ["two"] * 6
    for token in ("one", "two"):
        assert worker.kinds(token) == ["begun", *["epoch"] * 4, "finished"]


@pytest.mark.parametrize("given_up", ["one", "two"])
def test_a_training_that_is_given_up_leaves_the_worker_to_the_other(tmp_path: Path, given_up: str) -> None:
    worker = Pretended(lambda worker, message: None)
    with tasks(worker, tmp_path) as start:
        threads = {"one": start("one")}
        until(lambda: worker.kinds("one") == ["begun", "epoch"])
        threads["two"] = start("two")
        until(lambda: "two" in worker.state.tasks)
        del worker.state.tasks[given_up]
        threads[given_up].join(SECONDS)
        assert not threads[given_up].is_alive()
        other = next(token for token in threads if token != given_up)
        until(lambda: worker.kinds(other) == ["begun", "epoch"])
        receiving.answer(other, False, worker)
        until(lambda: worker.kinds(other) == ["begun", "epoch", "finished"])


def test_no_task_finds_the_module_before_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "get_worker", lambda: "worker")
    code = tmp_path / "0123"
    (code / "src/tuning/cluster").mkdir(parents=True)
    lines = ("import sys", "seen = __name__ in sys.modules", "called = []", "def train(*given): called.append(given)")
    (code / "src/tuning/cluster/relaying.py").write_text("\n".join(lines))
    try:
        receiving.train({}, "home", str(code), "topic", "token", CHEAP)
        module = sys.modules["assay_0123"]
    finally:
        sys.modules.pop("assay_0123", None)
    assert not module.seen
    assert module.called == [({}, "home", code, "topic", "token", CHEAP, "worker")]
