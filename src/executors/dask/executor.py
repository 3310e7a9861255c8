"""Train on an existing Dask cluster: one job at a time on each worker, however many threads the worker has.

A job is a Dask task that is pinned to one worker, which is checked and receives files before the task starts. Workers
report through the events of a Dask topic. Answers and files go through the scheduler: only it has to reach the workers.
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
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from distributed import Client

import src
from src.core.errors import AssayError, first_line
from src.executors import child
from src.executors.dask import on_worker, upload
from src.executors.protocol import Epoch, Event, Failed, Job, Lost

log = logging.getLogger(__name__)
ROOT = Path(src.__file__).parents[1]
# The packages that a training depends on, and those that unpickle what is sent.
PACKAGES = (
    "python", "tensorflow", "keras", "numpy", "opencv-python-headless", "pydantic", "distributed", "cloudpickle",
)  # fmt: skip
VERSIONS = on_worker.versions(PACKAGES)
KEPT = "finished trainings are kept; run the same command to continue"
SECONDS_TO_CLOSE = 2.0
SECONDS_BETWEEN_LOOKS = 1.0
STARTS = 16  # jobs that are started at the same time: each mostly waits for its files to be sent
for module in (on_worker, child):
    cloudpickle.register_pickle_by_value(module)


@dataclass(eq=False)
class Running:
    """A job given to a worker; the token, its task's key, tells it from the same job given to a worker before."""

    job: Job
    worker: str
    token: str
    future: Any = None
    begun: bool = False  # False: still on its way, or waiting behind another driver's job


class ClusterExecutor:
    """Runs jobs on the workers of a Dask cluster, including those that join later.

    Everything that happens arrives as a message in one inbox, which `next` reads; other threads change nothing else.
    """

    def __init__(
        self, address: str, home: Path, *, target: str = "", root: Path = ROOT,
        seconds_to_connect: float = 30.0, seconds_without_workers: float = 300.0,
    ) -> None:  # fmt: skip
        """Connect, and check the present workers; `target` names a function to run in place of the training, for tests.

        Raises:
            AssayError: no scheduler answers, or a worker is unfit; if it joins later, that is only a warning.
        """
        self._address, self._home, self._target, self._patience = address, home, target, seconds_without_workers
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Running] = {}
        self._workers: dict[str, int] = {}  # those that get jobs, and the number of threads of each
        self._unfit: set[str] = set()  # those with other packages, or to which files could not be sent
        self._inbox: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._sending: dict[str, threading.Lock] = {}  # one for each machine
        self._code, self._topic = upload.of_code(root), f"assay-{uuid.uuid4().hex}"
        self._had_workers = time.monotonic()
        self._client = connected(address, seconds_to_connect)
        self._starts = threading.BoundedSemaphore(STARTS)
        try:
            self._client.subscribe_topic(self._topic, lambda event: self._inbox.put(event[1]))
            self._client.run(on_worker.find, "", VERSIONS)
            self._look()
        except OSError as error:  # one of the workers went away
            log.warning("%s: not every worker answers: %s", address, error)
        except Exception as error:
            self.close()
            raise AssayError(first_line(error)) from error
        if not self._workers:
            log.info("%s: waiting for a worker", address)

    @property
    def workers(self) -> int:
        """How many jobs run at once; changes as workers come and go."""
        return max(1, len(self._workers))  # at least 1: a job may wait for the next worker

    def submit(self, job: Job) -> None:
        """Send a job to a free worker, or keep it until there is one."""
        self._waiting.append(job)

    def answer(self, number: int, *, go_on: bool) -> None:
        """Continue the training that reported an epoch, or stop it."""
        for running in self._running.values():
            if running.job.number == number:
                in_background(self._run, running.worker, on_worker.answer, running.token, go_on)

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event.

        Raises:
            AssayError: the scheduler is gone, or has had no worker for too long.
        """
        end = time.monotonic() + timeout
        while True:
            self._look()
            self._hand_out()
            wait = min(end - time.monotonic(), SECONDS_BETWEEN_LOOKS)
            with suppress(queue.Empty):
                if event := self._taken(self._inbox.get(timeout=max(wait, 0.001))):
                    return event
                continue
            if time.monotonic() >= end:
                return None

    def take_back(self) -> list[int]:
        """Cancel the jobs that no worker has started, waiting or on their way, and return their numbers."""
        early = [running for running in self._running.values() if not running.begun]
        taken = [job.number for job in self._waiting] + [self._forget(running) for running in early]
        self._waiting.clear()
        return taken

    def close(self) -> None:
        """Disconnect; Dask cancels the tasks of a client that leaves."""
        self._running.clear()
        with suppress(Exception):  # the scheduler may be gone
            self._client.close(timeout=SECONDS_TO_CLOSE)

    def _look(self) -> None:
        """Update the list of workers, and report the jobs of workers that disappeared.

        Raises:
            AssayError: the connection is lost, so that Dask forgets our tasks, or there was no worker for too long.
        """
        with suppress(OSError):
            seen = self._client.sync(self._client.scheduler.identity, n_workers=-1)["workers"]
            self._unfit &= seen.keys()  # another worker may join under the same address
            self._workers = {address: each["nthreads"] for address, each in seen.items() if address not in self._unfit}
            for running in self._running.values():
                if running.worker not in seen:
                    self._lose(running, "the worker went away")
        if self._client.status != "running":
            raise AssayError(f"--dask: lost the connection to the scheduler at {self._address}; {KEPT}")
        if self._workers:
            self._had_workers = time.monotonic()
        elif time.monotonic() - self._had_workers > self._patience:
            raise AssayError(f"--dask: {self._address} has had no worker for {self._patience:.0f} seconds")

    def _hand_out(self) -> None:
        busy = {running.worker for running in self._running.values()}
        for address, threads in self._workers.items():
            if self._waiting and address not in busy:
                job = self._waiting.popleft().with_threads(threads)
                running = Running(job, address, f"trial-{job.number}-{uuid.uuid4().hex}")
                self._running[running.token] = running
                in_background(self._start, running)

    def _start(self, running: Running) -> None:
        with self._starts:
            if running.token in self._running:  # else it was cancelled in the meantime
                self._bring(running)

    def _bring(self, running: Running) -> None:
        """Send the code and the images for a job to its worker, and start its task there."""
        try:
            images = upload.of_images(running.job, self._home)
        except Exception as error:  # noqa: BLE001  one failing trial must not end the study
            reason = str(error) if isinstance(error, AssayError) else f"{type(error).__name__}: {error}".splitlines()[0]
            self._inbox.put({"token": running.token, "event": Failed(running.job.number, reason)})
            return
        try:
            code, home = (self._send(running.worker, files) for files in (self._code, images))
            given = self._topic, running.token, pickle.dumps((running.job, home)), code, self._target
            train = on_worker.train
            if running.token not in self._running:  # it was cancelled while files were sent
                return
            running.future = self._client.submit(
                lambda: train(*given),  # sent as code, since scheduler and worker lack our modules
                key=running.token, workers=[running.worker], pure=False, retries=0,
            )  # fmt: skip
            running.future.add_done_callback(
                lambda it: self._lose(running, str(it.exception()) if it.status == "error" else "its task was dropped")
            )
        except Exception as error:  # noqa: BLE001  the worker is unfit, disappeared, or its disk is full
            self._inbox.put({"token": running.token, "unfit": first_line(error)})
        if running.token not in self._running and running.future:  # it was cancelled just now
            running.future.cancel()

    def _send(self, address: str, files: upload.Upload) -> Path:
        """Send the files that a worker lacks; return their folder, for which workers on one machine take turns."""
        with self._sending.setdefault(address.rpartition(":")[0], threading.Lock()):
            home, there = self._run(address, on_worker.find, files.digest, VERSIONS)
            if not there:
                log.info("worker %s: sending files", address)
                for pieces in chain(files.messages(), [[(on_worker.COMPLETE, 0, b"")]]):
                    self._run(address, on_worker.write, home, pieces)
        return Path(home)

    def _run(self, address: str, function: Callable[..., Any], *given: Any) -> Any:
        try:
            return self._client.run(function, *given, workers=[address])[address]
        except KeyError as error:
            if error.args != (address,):
                raise
            raise ConnectionError(f"worker {address}: left") from None

    def _lose(self, running: Running, reason: str) -> None:
        lost = Lost(running.job.number, f"{running.worker}: {reason}")
        self._inbox.put({"token": running.token, "event": lost})

    def _taken(self, message: Mapping[str, Any]) -> Event | None:
        """Turn a message into an event; ignore a message of an earlier attempt at a job."""
        running = self._running.get(message["token"])
        if running is None:
            return None
        if unfit := message.get("unfit"):
            named = unfit if running.worker in unfit else f"worker {running.worker}: {unfit}"
            log.warning("%s; it gets no trials", named)
            self._unfit.add(running.worker)
            self._forget(running)
            self._waiting.appendleft(running.job)
            return None
        found: Any = message["event"]
        if found == on_worker.BEGUN:
            if not running.begun:
                running.begun = True
                return None
            found = Lost(running.job.number, "the worker restarted under its address, and Dask started the task again")
        event: Event = pickle.loads(found) if isinstance(found, bytes) else found
        if not isinstance(event, Epoch):
            self._forget(running)
        return event

    def _forget(self, running: Running) -> int:
        """Remove a job, cancel its task, and return its number."""
        del self._running[running.token]
        if running.future:
            running.future.cancel()
        return running.job.number


def in_background(work: Callable[..., object], *given: Any) -> None:
    """Run slow work in a daemon thread, which ends with the process: a client that is closed may never answer."""

    def run() -> None:
        with suppress(Exception):  # `_look` notices workers that disappeared
            work(*given)

    threading.Thread(target=run, daemon=True).start()


def connected(address: str, timeout: float) -> Client:
    """Return a client of the scheduler, with the certificates that Dask's configuration names.

    Raises:
        AssayError: the address is malformed, or no scheduler answers there in time.
    """
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # our own message says in one line what is wrong
    if not re.fullmatch(r"(tcp|tls|ws|wss|ucx)://.+:\d+", address):
        raise AssayError(f"--dask: expected an address like tcp://host:8786, found {address!r}")
    try:
        with warnings.catch_warnings(action="ignore"):  # about other versions, which are checked more closely later
            return Client(address, timeout=timeout, name="assay", set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # a missing certificate raises TypeError
        found = (str(error).strip() or "silence").splitlines()[0]
        found += "; certificates: TLS in docs/cluster.md" if address.startswith("tls:") else ""
        raise AssayError(f"--dask: no scheduler answers at {address} in {timeout:g} seconds: {found}") from error
