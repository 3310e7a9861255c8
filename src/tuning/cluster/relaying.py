"""Between a Dask worker and the process that trains for it: passes on jobs, epochs, answers and ends.

Loaded from its file by `receiving.train` into a worker that need not have our packages, so it uses Python's own alone.
Drivers with different code each have this module loaded: what their trainings share is kept on the worker.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

SECONDS_BETWEEN_LOOKS = 0.5
GROWTH = 512.0  # megabytes above what the process held after its first job, from which on it is replaced


class AbandonedError(Exception):
    """Nobody waits for this training any more."""


class Child:
    """A process that trains one job after the other; its end is a message of kind lost."""

    def __init__(self, code: Path, target: str) -> None:
        self.started_as = (code, target)
        self.first: float | None = None
        command = [sys.executable, "-m", "src.tuning.cluster.remote", target]
        self.process = subprocess.Popen(
            command, cwd=code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def tell(self, content: Mapping[str, Any]) -> None:
        """Write a message; if the process is gone, its end is heard of."""
        try:
            if self.process.stdin:
                self.process.stdin.write(json.dumps(content) + "\n")
                self.process.stdin.flush()
        except OSError:
            return

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.said.put(json.loads(line))
        code = self.process.wait()
        self.said.put({"kind": "lost", "reason": f"the training's process ended with code {code}"})


def train(job: Mapping[str, Any], home: str, code: Path, topic: str, token: str, target: str, worker: Any) -> None:
    """Have a job trained and send what comes of it to the topic, as mappings with the token."""
    key = worker.get_current_task()
    with suppress(AbandonedError), _turn(worker, key), _answers(worker, token) as answers:
        worker.log_event(topic, {"kind": "begun", "token": token})
        child = _child(worker, code, target)
        try:
            child.tell({"job": job, "home": home})
            while (said := _next(child.said, worker, key))["kind"] == "epoch":
                worker.log_event(topic, said | {"token": token})
                child.tell({"go_on": _next(answers, worker, key)})
        except AbandonedError:
            child.end()  # in the middle of an epoch, perhaps
            raise
        _weigh(child, said)
        worker.log_event(topic, said | {"token": token})


@contextmanager
def _turn(worker: Any, key: str) -> Iterator[None]:
    """Wait until no other training runs here: a worker may have many threads, and a training has them all."""
    one: threading.Lock = worker.__dict__.setdefault("assay_one", threading.Lock())
    while not one.acquire(timeout=SECONDS_BETWEEN_LOOKS):
        _check_wanted(worker, key)
    try:
        yield
    finally:
        one.release()


@contextmanager
def _answers(worker: Any, token: str) -> Iterator["queue.SimpleQueue[bool]"]:
    """Give the box that `receiving.answer` puts the driver's answers to this training into."""
    boxes = worker.__dict__.setdefault("assay_answers", {})
    boxes[token] = queue.SimpleQueue()
    try:
        yield boxes[token]
    finally:
        del boxes[token]


def _child(worker: Any, code: Path, target: str) -> Child:
    """Give the process that this worker keeps, another one where it runs other code or is gone."""
    kept: Child | None = getattr(worker, "assay_child", None)
    if kept is None or not kept.alive or kept.started_as != (code, target):
        if kept is not None:
            kept.end()
        kept = worker.assay_child = Child(code, target)
    return kept


def _next(source: "queue.SimpleQueue[Any]", worker: Any, key: str) -> Any:
    """Wait for a message as long as the driver waits for this task."""
    while True:
        try:
            return source.get(timeout=SECONDS_BETWEEN_LOOKS)
        except queue.Empty:
            _check_wanted(worker, key)


def _check_wanted(worker: Any, key: str) -> None:
    """Raise where nobody waits for this task: Dask cancels it where the driver gives it up or goes away."""
    task = worker.state.tasks.get(key)
    running = worker.status.name in ("running", "paused", "closing_gracefully")
    if task is None or task.state not in ("executing", "long-running") or not running:
        raise AbandonedError


def _weigh(child: Child, said: Mapping[str, Any]) -> None:
    """End a process that has grown too much; the next job gets another."""
    held = float(said.get("held", 0.0))
    child.first = held if child.first is None else child.first
    if held - child.first > GROWTH:
        child.end()
