"""Trainings on a Dask cluster that exists already: one at a time on each worker, whatever number of threads it has.

A job is a Dask task that is tied to a worker, since the driver decides who is free. What happens comes as an event of a
topic, answers go through a queue, and files through the scheduler as well: nothing else has to reach a worker.
"""

import logging
import pickle
import queue
import re
import threading
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from distributed import Client, Queue

import src
from src.core.errors import AssayError
from src.executors import worker_memory
from src.executors.dask import on_worker, upload
from src.executors.protocol import Epoch, Event, Failed, Job, Lost

log = logging.getLogger(__name__)
ROOT = Path(src.__file__).parents[1]
# What a training depends on, and what unpickles what is sent.
PACKAGES = (
    "python",
    "tensorflow",
    "keras",
    "numpy",
    "opencv-python-headless",
    "pydantic",
    "distributed",
    "cloudpickle",
)
VERSIONS = on_worker.versions(PACKAGES)
TRIAL = "src.executors.training:run"
KEPT = "what was finished is kept, the same command goes on from there"
SECONDS_TO_CLOSE = 2.0
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_PREPARE = 60.0  # that a worker of the first moment may take before the study begins without it
THREADS = 16  # for what may take long; each waits most of the time
for module in (on_worker, worker_memory):
    cloudpickle.register_pickle_by_value(module)


@dataclass(frozen=True)
class Worker:
    """A worker that is fit, the folders of its files and of parts of files, and that of the code."""

    address: str
    threads: int
    folder: Path
    parts: Path
    code: Path


@dataclass(eq=False)
class Running:
    """A job that was handed out; the token tells it from the same job handed out before, and is its task's key."""

    job: Job
    worker: Worker
    token: str
    future: Any = None
    answers: Any = None
    begun: bool = False  # rather than on its way, or behind another driver's


class ClusterExecutor:
    """Runs jobs on the workers of a Dask cluster, on those that join later as well.

    All that happens comes as a message into one inbox, which `next` reads; other threads change nothing else.
    """

    def __init__(
        self, address: str, home: Path, *, target: str = TRIAL, root: Path = ROOT,
        seconds_to_connect: float = 30.0, seconds_without_workers: float = 300.0,
    ) -> None:  # fmt: skip
        """Connect and wait for the first workers; target names another function than a trial's, for tests."""
        self._address, self._home, self._target, self._patience = address, home, target, seconds_without_workers
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Running] = {}
        self._workers: dict[str, Worker] = {}
        self._inbox: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._sending: dict[str, threading.Lock] = {}  # by machine
        self._code, self._topic = upload.of_code(root), f"assay-{uuid.uuid4().hex}"
        self._had_workers = time.monotonic()
        self._client = connected(address, seconds_to_connect)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="cluster")
        try:
            self._await_workers()
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> int:
        """How many jobs run at once; changes as workers come and go."""
        return max(1, len(self._workers))  # a job may wait for the next one

    def submit(self, job: Job) -> None:
        """Send a job to a free worker, or keep it until there is one."""
        self._waiting.append(job)

    def answer(self, number: int, *, go_on: bool) -> None:
        """Continue the training that reported an epoch, or stop it."""
        for running in self._running.values():
            if running.job.number == number:
                self._threads.submit(running.answers.put, go_on)

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event.

        Raises:
            AssayError: the scheduler is gone, or has been without a worker for too long.
        """
        end = time.monotonic() + timeout
        while True:
            self._check()
            self._hand_out()
            wait = min(end - time.monotonic(), SECONDS_BETWEEN_LOOKS)
            with suppress(queue.Empty):
                if event := self._taken(self._inbox.get(timeout=max(wait, 0.001))):
                    return event
                continue
            if time.monotonic() >= end:
                return None

    def take_back(self) -> list[int]:
        """Return the numbers of the jobs that nobody trains yet, without a worker or on their way; forget these."""
        early = [running for running in self._running.values() if not running.begun]
        taken = [job.number for job in self._waiting] + [self._forget(running) for running in early]
        self._waiting.clear()
        return taken

    def close(self) -> None:
        """Leave the cluster to others; Dask cancels the tasks of a client that goes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with suppress(Exception):  # the scheduler may be gone
            self._client.close(timeout=SECONDS_TO_CLOSE)

    def _await_workers(self) -> None:
        """Wait for the workers that are there; one of them that is unfit is an error, later only a warning."""
        for topic in (self._topic, "all"):  # in Dask's own topic it tells of workers that come and go
            self._client.subscribe_topic(topic, lambda event: self._inbox.put(event[1]))
        lacking, started = set(self._client.scheduler_info(n_workers=-1)["workers"]), time.monotonic()
        if not lacking:
            log.info("%s: waiting for a worker", self._address)
        for address in lacking:
            self._threads.submit(self._prepare, address)
        while not self._workers or (lacking and time.monotonic() - started < SECONDS_TO_PREPARE):
            self._check()
            with suppress(queue.Empty):
                message = self._inbox.get(timeout=SECONDS_BETWEEN_LOOKS / 4)
                if message.get("unfit"):
                    raise AssayError(f"worker {message['worker']}: {message['unfit']}")
                self._taken(message)
                if message.get("action") != "add-worker":
                    lacking.discard(message.get("worker", ""))

    def _check(self) -> None:
        """Raise where the connection is lost, by which Dask forgets what it did for us, or nobody works."""
        if self._client.status != "running":
            raise AssayError(f"--dask: lost the connection to the scheduler at {self._address}; {KEPT}")
        if self._workers:
            self._had_workers = time.monotonic()
        elif time.monotonic() - self._had_workers > self._patience:
            raise AssayError(f"--dask: {self._address} has had no worker for {self._patience:.0f} seconds")

    def _prepare(self, address: str) -> None:
        """Look whether a worker is fit, and send the code to it."""
        try:
            about = self._run(address, on_worker.prepare, VERSIONS)
            if not about["unfit"]:
                about["code"] = self._send(address, about["folder"], about["parts"], self._code)
        except Exception as error:  # noqa: BLE001  it went away, or its disk is full
            about = {"unfit": _line(error)}
        self._inbox.put({"action": "prepared", "worker": address, **about})

    def _hand_out(self) -> None:
        busy = {running.worker.address for running in self._running.values()}
        for worker in self._workers.values():
            if self._waiting and worker.address not in busy:
                job = self._waiting.popleft()
                running = Running(job, worker, f"trial-{job.number}-{uuid.uuid4().hex}")
                self._running[running.token] = running
                self._threads.submit(self._start, running)

    def _start(self, running: Running) -> None:
        """Bring the images for a job to its worker, and start its task there."""
        worker, token = running.worker, running.token
        try:
            images = upload.of_images(running.job, self._home)
        except Exception as error:  # noqa: BLE001  one trial's fault must not end the study
            event = Failed(running.job.number, str(error) if isinstance(error, AssayError) else _line(error))
            self._inbox.put({"token": token, "event": pickle.dumps(event)})
            return
        try:
            home = self._send(worker.address, worker.folder, worker.parts, images)
            job = pickle.dumps((running.job.with_threads(worker.threads), home))
            running.answers = Queue(token, client=self._client)
            task, given = on_worker.Task, (job, worker.code, self._target)
            running.future = self._client.submit(
                lambda topic: task(topic, token).run(*given),  # sent as code, for scheduler and worker lack our modules
                self._topic, key=token, workers=[worker.address], resources={"assay": 1}, pure=False, retries=0,
            )  # fmt: skip
            running.future.add_done_callback(lambda future: self._over(token, future))
        except Exception as error:  # noqa: BLE001  the worker went away, its connection did, or its disk is full
            self._inbox.put({"action": "prepared", "worker": worker.address, "unfit": _line(error)})
            self._inbox.put({"token": token, "lost": _line(error)})
        if token not in self._running and running.future:  # it was taken back meanwhile
            running.future.cancel()

    def _run(self, address: str, function: Callable[..., Any], *given: Any) -> Any:
        return self._client.run(function, *given, workers=[address])[address]

    def _send(self, address: str, folder: Path, parts: Path, files: upload.Upload) -> Path:
        """Send files that a worker lacks, and return where; those of one machine may share a folder, so they wait."""
        home, part = folder / files.digest, parts / uuid.uuid4().hex
        with self._sending.setdefault(address.rpartition(":")[0], threading.Lock()):
            if not self._run(address, home.is_dir):
                log.info("worker %s: is sent files", address)
                for pieces in files.messages():
                    self._run(address, on_worker.write, part, pieces)
                self._run(address, on_worker.finish, part, home)
        return home

    def _over(self, token: str, future: Any) -> None:
        reason = str(future.exception()) if future.status == "error" else "the cluster gave the task up"
        self._inbox.put({"token": token, "lost": reason})

    def _taken(self, message: Mapping[str, Any]) -> Event | None:
        """Make an event of a message; one about a job that was handed out anew meanwhile counts no more."""
        running = self._running.get(message.get("token", ""))
        match message:
            case {"action": "add-worker", "worker": address}:
                self._threads.submit(self._prepare, address)
            case {"action": "remove-worker", "worker": address}:
                self._workers.pop(address, None)
                lost = [each for each in self._running.values() if each.worker.address == address]
                return self._lost(lost[0], "the worker went away") if lost else None
            case {"action": "prepared", "worker": address, "unfit": unfit} if unfit:
                log.warning("worker %s: %s; it gets no trials", address, unfit)
                self._workers.pop(address, None)
            case {"action": "prepared", "worker": address}:
                about = {name: message[name] for name in ("threads", "folder", "parts", "code")}
                self._workers[address] = Worker(address, **about)
            case {"event": b""} if running:
                running.begun = True
            case {"event": pickled} if running:
                event: Event = pickle.loads(pickled)
                if not isinstance(event, Epoch):
                    self._forget(running)
                return event
            case {"lost": reason} if running:
                return self._lost(running, reason)
        return None

    def _lost(self, running: Running, reason: str) -> Lost:
        return Lost(self._forget(running), f"{running.worker.address}: {reason}")

    def _forget(self, running: Running) -> int:
        """Remove a job, with its task and its queue, and return its number."""
        del self._running[running.token]
        if running.answers:
            running.answers.close()
        if running.future:
            running.future.cancel()
        return running.job.number


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def connected(address: str, timeout: float) -> Client:
    """Return a client of the scheduler, with the certificates that Dask's configuration names.

    Raises:
        AssayError: the address is none, or nobody answers there in time.
    """
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # one line of ours says what is wrong
    hint = "; certificates: TLS in docs/cluster.md" if address.startswith("tls:") else ""
    if not re.fullmatch(r"(tcp|tls|ws|wss|ucx)://.+:\d+", address):
        raise AssayError(f"--dask: expected an address like tcp://host:8786, found {address!r}")
    try:
        with warnings.catch_warnings(action="ignore"):  # of other versions, which are looked at more closely later
            return Client(address, timeout=timeout, name="assay", set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # a certificate that is missing is a TypeError
        found = (str(error).strip() or "silence").splitlines()[0]
        raise AssayError(f"--dask: no scheduler answers at {address} in {timeout:g} seconds: {found}{hint}") from error
