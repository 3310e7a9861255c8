"""Trainings on a Dask cluster that exists already: one at a time on each worker, whatever number of threads it has.

A job is a Dask task that is tied to a worker, since images go there first, and it is looked at whether it is fit.
Dask's plugin brings the code to all workers, also to those that join later. An epoch comes as an event of a topic, the
end as the result of the task. All of it goes through the scheduler: only this has to reach a worker.
"""

import logging
import pickle
import queue
import shutil
import threading
import time
import uuid
import warnings
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from distributed import Client
from distributed.diagnostics.plugin import UploadFile

import src
from src.core.errors import AssayError, first_line
from src.executors import worker_memory
from src.executors.dask import on_worker, upload
from src.executors.protocol import Epoch, Event, Failed, Job, Lost
from src.tracking import fingerprint

log = logging.getLogger(__name__)
ROOT = Path(src.__file__).parents[1]
# What a training depends on, and what unpickles what is sent.
VERSIONS = on_worker.versions((
    "python", "tensorflow", "keras", "numpy", "opencv-python-headless", "pydantic", "distributed", "cloudpickle",
))  # fmt: skip
TRIAL = "src.executors.training:run"
LOST = "lost the connection to the scheduler at {}; what was finished is kept, the same command goes on from there"
SECONDS_BETWEEN_LOOKS = 1.0
THREADS = 1000  # one waits for each job that was handed out, and one for each answer until it is there
for module in (on_worker, worker_memory):
    cloudpickle.register_pickle_by_value(module)  # scheduler and workers lack our modules


@dataclass(eq=False)
class Running:
    """A job that was handed out; the token tells it from the same job handed out before, and is its task's key."""

    job: Job
    worker: str
    token: str
    task: Any = None
    epoch: float = 0  # the last one that came

    def lost(self, reason: str) -> Lost:
        return Lost(self.job.number, f"{self.worker}: {reason}")


class ClusterExecutor:
    """Runs jobs on the workers of a Dask cluster, on those that join later as well.

    What happens comes into one inbox: a token with an event, or with why the worker is not fit. Only `next` reads it.
    """

    def __init__(
        self, address: str, home: Path, *, target: str = TRIAL, root: Path = ROOT,
        seconds_to_connect: float = 30.0, seconds_without_workers: float = 300.0,
    ) -> None:  # fmt: skip
        """Connect, and look at the workers that are there; target names another function than a trial's, for tests.

        Raises:
            AssayError: nobody answers, or one of the workers is not fit; of a later one that is a warning.
        """
        self._address, self._home, self._target, self._patience = address, home, target, seconds_without_workers
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Running] = {}
        self._workers: dict[str, int] = {}  # that get jobs, and how many threads each has
        self._unfit: set[str] = set()  # with other packages, or that images could not be sent to
        self._inbox: queue.SimpleQueue[tuple[str, Event | str]] = queue.SimpleQueue()
        self._sending: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # by machine
        self._topic, self._code = f"assay-{uuid.uuid4().hex}", f"assay-{fingerprint.digest(root / 'src')}"
        with TemporaryDirectory() as folder:
            code = UploadFile(shutil.make_archive(f"{folder}/{self._code}", "zip", root, "src"), load=False)
        self._had_workers = time.monotonic()
        self._client = connected(address, seconds_to_connect)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="cluster")
        try:
            self._client.subscribe_topic(self._topic, lambda it: self._inbox.put((it[1][0], pickle.loads(it[1][1]))))
            self._client.register_plugin(code, name=self._code)
            self._client.run(on_worker.find, "", VERSIONS)
            self._look()
        except OSError as error:  # one of the workers went away
            log.warning("%s: not every worker answers: %s", address, error)
        except Exception as error:
            self.close()
            raise AssayError(f"--dask: {first_line(error)}") from error
        if not self._workers:
            log.info("%s: waiting for a worker", address)

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
                self._threads.submit(self._run, running.worker, on_worker.answer, running.token, go_on)

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event.

        Raises:
            AssayError: the scheduler is gone, or has been without a worker for too long.
        """
        end, event = time.monotonic() + timeout, None
        while not event and (left := end - time.monotonic()) > 0:
            self._look()
            self._hand_out()
            with suppress(queue.Empty):
                event = self._taken(*self._inbox.get(timeout=min(left, SECONDS_BETWEEN_LOOKS)))
        return event

    def take_back(self) -> list[int]:
        """Return the numbers of the jobs of which no epoch has come, and forget these, with their tasks."""
        early = [running for running in self._running.values() if not running.epoch]
        taken = [job.number for job in self._waiting] + [self._forget(running) for running in early]
        self._waiting.clear()
        return taken

    def close(self) -> None:
        """Leave the cluster to others; Dask cancels the tasks of a client that goes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with suppress(Exception):  # the scheduler may be gone
            self._client.close(timeout=2.0)

    def _look(self) -> None:
        """See who is there, and who went away with a job.

        Raises:
            AssayError: the connection is lost, by which Dask forgets what it did for us, or nobody works.
        """
        with suppress(OSError):
            seen = self._client.sync(self._client.scheduler.identity, n_workers=-1)["workers"]
            self._unfit &= seen.keys()  # another one may come back under the address
            self._workers = {address: each["nthreads"] for address, each in seen.items() if address not in self._unfit}
            for running in self._running.values():
                if running.worker not in seen:
                    self._inbox.put((running.token, running.lost("the worker went away")))
        if self._client.status != "running":
            raise AssayError(f"--dask: {LOST.format(self._address)}")
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
                self._threads.submit(lambda it: self._inbox.put((it.token, self._train(it))), running)

    def _train(self, running: Running) -> Event | str:
        """Bring the images for a job to its worker, have it trained there, and return how that ended."""
        try:
            images = upload.of_images(running.job, self._home)
        except Exception as error:  # noqa: BLE001  one trial's fault must not end the study
            return Failed(running.job.number, first_line(error))
        try:
            job = pickle.dumps((running.job, self._send(running.worker, images)))
            train, given = on_worker.train, (self._topic, running.token, job, self._code, self._target)
            running.task = self._client.submit(
                lambda: train(*given), key=running.token, workers=[running.worker], pure=False, retries=0
            )
        except Exception as error:  # noqa: BLE001  the worker is not fit, went away, or its disk is full
            return first_line(error)
        if running.token not in self._running:  # it was taken back meanwhile
            running.task.cancel()
        try:
            return pickle.loads(running.task.result())  # type: ignore[no-any-return]
        except Exception as error:  # noqa: BLE001  the training's process ended, or Dask gave the task up
            return running.lost(first_line(error))

    def _send(self, address: str, images: upload.Upload) -> Path:
        """Send images that a worker lacks, and return where; those of one machine may share a folder, so they wait."""
        with self._sending[address.rpartition(":")[0]]:
            home, there = self._run(address, on_worker.find, images.digest, VERSIONS)
            if not there:
                log.info("worker %s: is sent images", address)
                part = uuid.uuid4().hex
                for pieces in images.messages():
                    self._run(address, on_worker.write, part, pieces, home)
        return Path(home)

    def _run(self, address: str, function: Callable[..., Any], *given: Any) -> Any:
        return self._client.run(function, *given, workers=[address])[address]

    def _taken(self, token: str, found: Event | str) -> Event | None:
        """Return an event, or None; one about a job that was handed out anew meanwhile counts no more."""
        if (running := self._running.get(token)) is None:
            return None
        if isinstance(found, Epoch) and found.row["epoch"] > running.epoch:
            running.epoch = found.row["epoch"]
            return found
        self._forget(running)
        if isinstance(found, Epoch):
            return running.lost("it came back under its address, and Dask began the task again")
        if not isinstance(found, str):
            return found
        log.warning("worker %s gets no trials: %s", running.worker, found)
        self._unfit.add(running.worker)
        self._waiting.appendleft(running.job)
        return None

    def _forget(self, running: Running) -> int:
        """Remove a job, with its task, and return its number."""
        del self._running[running.token]
        if running.task:
            running.task.cancel()
        return running.job.number


def connected(address: str, timeout: float) -> Client:
    """Return a client of the scheduler, with the certificates that Dask's configuration names.

    Raises:
        AssayError: the address is none, or nobody answers there in time.
    """
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # one line of ours says what is wrong
    try:
        with warnings.catch_warnings(action="ignore"):  # of other versions, which are looked at more closely later
            return Client(address, timeout=timeout, name="assay", set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # a certificate that is missing is a TypeError
        found = first_line(error) + ("; certificates: TLS in docs/cluster.md" if address.startswith("tls:") else "")
        raise AssayError(f"--dask: no scheduler answers at {address} in {timeout:g} seconds: {found}") from error
