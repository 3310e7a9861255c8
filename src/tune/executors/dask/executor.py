"""Trainings on a Dask cluster that exists already: one at a time on each worker, whatever number of threads it has.

A job is a Dask task that is tied to a worker, since the driver decides who is free. What happens comes as an event of a
topic, and what the driver says goes through the scheduler as well: nothing has to reach a worker but the scheduler.
"""

import logging
import pickle
import queue
import re
import time
import uuid
import warnings
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from distributed import Client

import src
from src.core.errors import AssayError
from src.tune.executors.dask import on_worker, upload
from src.tune.executors.worker_memory import Growth
from src.tune.protocol import Epoch, Event, Failed, Job, Lost

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
    "filelock",
)
TRIAL = "src.tune.objective:run"
KEPT = "what was finished is kept, the same command goes on from there"
SECONDS_TO_CONNECT = 30.0
SECONDS_TO_CLOSE = 2.0
SECONDS_WITHOUT_WORKERS = 300.0
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_GREET = 60.0  # that a worker of the first moment may take before the study begins without it
HANDS = 16  # threads for what may take long; each waits most of the time
cloudpickle.register_pickle_by_value(on_worker)


@dataclass(eq=False)
class Worker:
    """A worker that is fit, and its folder."""

    address: str
    threads: int
    folder: str
    growth: Growth = field(default_factory=Growth)


@dataclass(eq=False)
class Running:
    """A job that was handed out; the token tells it from the same job handed out before, and is its task's key."""

    job: Job
    worker: Worker
    token: str
    future: Any = None
    begun: bool = False  # rather than on its way, or behind another driver's
    waits: bool = False  # for the answer to an epoch
    ended: bool = False  # while its task lives


class ClusterExecutor:
    """Runs jobs on the workers of a Dask cluster, on those that join later as well.

    All that happens comes as a message into one inbox, which `next` reads; other threads change nothing else.
    """

    def __init__(
        self,
        address: str,
        home: Path,
        *,
        target: str = TRIAL,
        root: Path = ROOT,
        seconds_to_connect: float = SECONDS_TO_CONNECT,
        seconds_without_workers: float = SECONDS_WITHOUT_WORKERS,
    ) -> None:
        """Connect and wait for the first workers; target names another function than a trial's, for tests."""
        self._address, self._home, self._patience = address, home, seconds_without_workers
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Running] = {}
        self._workers: dict[str, Worker] = {}
        self._inbox: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._code = upload.of_code(root)
        self._parcels = {self._code.digest: self._code}
        self._had_workers, self._name = time.monotonic(), f"assay-{uuid.uuid4().hex}"
        self.sent: list[tuple[str, str]] = []  # the folder that files went to, and their digest
        self._client = connected(address, seconds_to_connect)
        self._hands = ThreadPoolExecutor(HANDS, thread_name_prefix="cluster")
        try:
            self._await_workers(on_worker.Agent(self._name, own_versions(), target))
        except BaseException:
            self.close(now=True)
            raise

    @property
    def workers(self) -> int:
        """How many jobs run at once; changes as workers come and go."""
        return max(1, len(self._workers))  # a job may wait for the next one

    @property
    def running(self) -> int:
        """How many jobs were handed in and have not ended."""
        return len(self._waiting) + sum(not running.ended for running in self._running.values())

    def submit(self, job: Job) -> None:
        """Send a job to a free worker, or keep it until there is one."""
        self._waiting.append(job)

    def answer(self, number: int, *, go_on: bool) -> None:
        """Continue the training that reported an epoch, or stop it."""
        for running in self._running.values():
            if running.job.number == number and running.waits:
                running.waits = False
                self._hands.submit(self._deliver, running, pickle.dumps(go_on))

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
        taken = [job.number for job in self._waiting] + [running.job.number for running in early]
        self._waiting.clear()
        for running in early:
            self._forget(running)
        return taken

    def close(self, *, now: bool = False) -> None:
        """Leave the cluster to others: after the present jobs, or at once; Dask cancels its tasks then."""
        self._waiting.clear()
        while not now and self._running:
            for running in list(self._running.values()):
                self.answer(running.job.number, go_on=True)
            self.next(SECONDS_BETWEEN_LOOKS)
        with suppress(Exception):  # the scheduler may be gone, or a worker hang
            self._hands.submit(self._client.unregister_worker_plugin, self._name).result(SECONDS_TO_CLOSE)
        self._hands.shutdown(wait=False, cancel_futures=True)
        with suppress(Exception):
            self._client.close(timeout=SECONDS_TO_CLOSE)

    def _await_workers(self, agent: on_worker.Agent) -> None:
        """Wait for the workers that are there; one of them that is unfit is an error, later only a warning."""
        for topic in (self._name, "all"):  # in Dask's own topic it tells of workers that go away
            self._client.subscribe_topic(topic, self._hear)
        lacking = set(self._client.scheduler_info(n_workers=-1)["workers"])
        registered = self._hands.submit(self._client.register_plugin, agent, self._name)
        started = time.monotonic()
        if not lacking:
            log.info("%s: waiting for a worker", self._address)
        while not self._workers or (lacking and time.monotonic() - started < SECONDS_TO_GREET):
            self._check()
            if registered.done():
                registered.result()
            with suppress(queue.Empty):
                message = self._inbox.get(timeout=SECONDS_BETWEEN_LOOKS / 4)
                if message.get("unfit"):
                    raise AssayError(f"worker {message['address']}: {message['unfit']}")
                lacking.discard(message.get("address") or message.get("worker", ""))
                self._taken(message)

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        self._inbox.put({"kind": event[1].get("action"), **event[1]})

    def _check(self) -> None:
        """Raise where the connection is lost, by which Dask forgets what it did for us, or nobody works."""
        if self._client.status != "running":
            raise AssayError(f"--dask: lost the connection to the scheduler at {self._address}; {KEPT}")
        if self._workers:
            self._had_workers = time.monotonic()
        elif time.monotonic() - self._had_workers > self._patience:
            raise AssayError(f"--dask: {self._address} has had no worker for {self._patience:.0f} seconds")

    def _hand_out(self) -> None:
        busy = {running.worker.address for running in self._running.values()}
        for worker in self._workers.values():
            if self._waiting and worker.address not in busy:
                job = self._waiting.popleft()
                running = Running(job, worker, f"trial-{job.number}-{uuid.uuid4().hex}")
                self._running[running.token] = running
                self._hands.submit(self._pack, running)

    def _pack(self, running: Running) -> None:
        try:
            content = {"kind": "packed", "parcel": upload.of_images(running.job, self._home)}
        except Exception as error:  # noqa: BLE001  one trial's fault must not end the study
            reason = str(error) if isinstance(error, AssayError) else f"{type(error).__name__}: {error}"
            content = {"kind": "failed", "reason": reason}
        self._inbox.put({"token": running.token, **content})

    def _start(self, running: Running, images: upload.Parcel) -> None:
        worker, train = running.worker, on_worker.train
        self._parcels[images.digest] = images
        job = pickle.dumps((running.job.with_threads(worker.threads), f"{worker.folder}/{images.digest}"))
        running.future = self._client.submit(
            lambda *given: train(*given),  # Dask sends a lambda as its code, for scheduler and worker lack our modules
            self._name, running.token, job, self._code.digest, images.digest,
            key=running.token, workers=[worker.address], resources={"assay": 1}, pure=False, retries=0,
        )  # fmt: skip
        running.future.add_done_callback(lambda future: self._over(running, future))

    def _over(self, running: Running, future: Any) -> None:
        reason = str(future.exception()) if future.status == "error" else "the cluster gave the task up"
        self._inbox.put({"kind": "over", "token": running.token, "reason": reason})

    def _send(self, running: Running, digest: str) -> None:
        """Send files that a worker lacks."""
        log.info("worker %s: is sent files", running.worker.address)
        for pieces in self._parcels[digest].messages():
            self._deliver(running, pieces)
        self._deliver(running, None)
        self.sent.append((running.worker.folder, digest))

    def _deliver(self, running: Running, content: Any) -> None:
        """Send something to a task; one that it does not reach would wait for ever, so it is lost."""
        try:
            self._client.run(on_worker.deliver, self._name, running.token, content, workers=[running.worker.address])
        except Exception as error:  # noqa: BLE001  the worker went away, or its connection did
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self._inbox.put({"kind": "over", "token": running.token, "reason": reason})

    def _taken(self, message: Mapping[str, Any]) -> Event | None:
        """Make an event of a message; one about a job that was handed out anew meanwhile counts no more."""
        if message["kind"] == "worker":
            self._meet(message)
        elif message["kind"] == "remove-worker":
            self._workers.pop(message["worker"], None)
            lost = [each for each in self._running.values() if each.worker.address == message["worker"]]
            return self._ended(lost[0], "the worker went away") if lost else None
        elif running := self._running.get(message.get("token", "")):
            return self._of(running, message)
        return None

    def _meet(self, message: Mapping[str, Any]) -> None:
        """Take a worker in, or leave it out from now on."""
        address = message["address"]
        if message["unfit"]:
            log.warning("worker %s: %s; it gets no trials", address, message["unfit"])
            self._workers.pop(address, None)
        else:
            self._workers[address] = Worker(address, message["threads"], message["folder"])

    def _of(self, running: Running, message: Mapping[str, Any]) -> Event | None:
        """Make an event of a message about a job."""
        match message["kind"]:
            case "packed":
                self._start(running, message["parcel"])
            case "begun":
                running.begun = True
            case "lacks":
                self._hands.submit(self._send, running, message["digest"])
            case "said":
                return self._said(running, pickle.loads(message["said"]))
            case "over":
                return self._ended(running, message["reason"])
            case "failed":
                self._forget(running)
                return Failed(running.job.number, message["reason"])
        return None

    def _said(self, running: Running, said: Any) -> Event:
        running.waits = isinstance(said.event, Epoch)
        if not running.waits:
            running.ended, growth = True, running.worker.growth
            grown = growth.exceeded(said.held)
            running.worker.growth = Growth() if grown else growth
            self._hands.submit(self._deliver, running, b"" if grown else None)
        return said.event  # type: ignore[no-any-return]

    def _ended(self, running: Running, reason: str) -> Lost | None:
        """Remove a job whose task has ended or never will."""
        self._forget(running)
        if running.ended:
            return None
        running.worker.growth = Growth()
        return Lost(running.job.number, f"{running.worker.address}: {reason}")

    def _forget(self, running: Running) -> None:
        del self._running[running.token]
        if running.future:
            running.future.cancel()


def own_versions() -> dict[str, str]:
    """Return the versions that workers must have as well."""
    return on_worker.versions(PACKAGES)


def connected(address: str, timeout: float) -> Client:
    """Return a client of the scheduler, with the certificates that Dask's configuration names.

    Raises:
        AssayError: the address is none, or nobody answers there in time.
    """
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # one line of ours says what is wrong
    expected = f"--dask: expected an address like tcp://host:8786, found {address!r}"
    hint = "; certificates: TLS in docs/cluster.md" if address.startswith("tls:") else ""
    if not re.fullmatch(r"\w+://.+:\d+", address):
        raise AssayError(expected)
    try:
        with warnings.catch_warnings(action="ignore"):  # of other versions, which are looked at more closely later
            return Client(address, timeout=timeout, name="assay", set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise AssayError(f"--dask: no scheduler answers at {address} within {timeout:g} seconds{hint}") from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise AssayError(f"{expected} ({str(error).strip().splitlines()[0]}){hint}") from error
