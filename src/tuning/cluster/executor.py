"""Trainings on a Dask cluster that exists already: one at a time on each worker, whatever number of threads it has.

A job is handed to a worker by address, since the driver decides who is free; what the worker lacks, code and images, is
sent to it first. Its messages come over a topic of the scheduler, and answers go through the scheduler as well:
nothing has to reach a worker but the scheduler.
"""

import logging
import queue
import time
import uuid
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import src
from src.errors import AssayError
from src.tuning.cluster import scheduler
from src.tuning.cluster.errands import Errands, Parcels, Running, Worker
from src.tuning.cluster.supply import Supply
from src.tuning.jobs import Epoch, Event, Failed, Finished, Job, Lost

log = logging.getLogger(__name__)
ROOT = Path(src.__file__).parents[1]
TRIAL = "src.tuning.trial:run"
SECONDS_TO_CONNECT = 30.0
SECONDS_WITHOUT_WORKERS = 300.0
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_GREET = 60.0  # that a worker of the first moment may take before the study begins without it
HANDS = 16  # threads for errands; each waits most of the time


class ClusterExecutor:
    """Runs jobs on the workers of a Dask cluster, on those that join later as well.

    All that happens comes as a message into one inbox, which `next` reads; other threads touch nothing else.
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
        self._address, self._patience = address, seconds_without_workers
        self._client = scheduler.connected(address, seconds_to_connect)
        self._supply = Supply(self._client, root)
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Running] = {}
        self._workers: dict[str, Worker] = {}
        self._seen: set[str] = set()
        self._asked: set[str] = set()  # that are being looked at
        self._inbox: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._hands = ThreadPoolExecutor(HANDS, thread_name_prefix="cluster")
        self._looked, self._had_workers = 0.0, time.monotonic()
        topic = f"assay-{uuid.uuid4().hex}"
        self._errands = Errands(self._client, self._supply, Parcels(home), topic, target, self._inbox.put)
        self._client.subscribe_topic(topic, lambda event: self._inbox.put(event[1]))
        try:
            self._await_workers()
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
        return len(self._waiting) + len(self._running)

    @property
    def sent(self) -> list[tuple[str, str]]:
        """What was sent, in order: the machine and folder that it went to, and its digest."""
        return list(self._supply.sent)

    def submit(self, job: Job) -> None:
        """Hand a job to a free worker, or keep it until there is one."""
        self._waiting.append(job)
        self._hand_out()

    def answer(self, number: int, *, go_on: bool) -> None:
        """Let the training that reported an epoch go on, or stop it."""
        for running in self._running.values():
            if running.job.number == number:
                running.waits = False
                self._hands.submit(self._errands.answer, running, go_on)

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event.

        Raises:
            AssayError: the scheduler is gone, or has been without a worker for too long.
        """
        end = time.monotonic() + timeout
        while True:
            self._look()
            self._hand_out()
            wait = max(0.0, min(end - time.monotonic(), SECONDS_BETWEEN_LOOKS))
            with suppress(queue.Empty):
                message = self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait()
                if event := self._taken(message):
                    return event
                continue
            if time.monotonic() >= end:
                return None

    def take_back(self) -> list[int]:
        """Give the numbers of the jobs that nobody trains yet, without a worker or on their way, and forget these."""
        taken = [job.number for job in self._waiting]
        self._waiting.clear()
        for running in [each for each in self._running.values() if not each.begun]:
            self._forget(running)
            self._hands.submit(self._errands.give_up, running)
            taken.append(running.job.number)
        return taken

    def close(self, *, now: bool = False) -> None:
        """Leave the cluster to others: after the present jobs, or at once; these stop at their next epoch then."""
        self._waiting.clear()
        while not now and self._running:
            for running in self._running.values():
                if running.waits:
                    self.answer(running.job.number, go_on=True)
            self.next(1.0)
        self._hands.shutdown(wait=False, cancel_futures=True)
        with suppress(Exception):  # it may be gone already
            self._client.close(timeout=2)  # by which its tasks are cancelled

    def _await_workers(self) -> None:
        """Wait for the first workers; one of them that is unfit is an error, a later one only a warning."""
        told, started = False, time.monotonic()
        while not self._workers or (self._asked and time.monotonic() - started < SECONDS_TO_GREET):
            self._look()
            with suppress(queue.Empty):
                message = self._inbox.get(timeout=SECONDS_BETWEEN_LOOKS / 4)
                if message["kind"] == "unfit":
                    raise AssayError(message["reason"])
                self._taken(message)
            if not self._seen and not told:
                told = True
                log.info("%s: waiting for a worker", self._address)

    def _look(self) -> None:
        """See now and then which workers have gone and which are new."""
        scheduler.check(self._client, self._address)
        now = time.monotonic()
        if now - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = now
        with scheduler.reached(self._client, self._address):
            present = self._client.scheduler_info(n_workers=-1)["workers"]
        for address in self._workers.keys() - present.keys():
            self._drop(self._workers[address], "the worker went away")
        self._seen &= present.keys()
        self._asked &= present.keys()
        for address in present.keys() - self._seen:
            self._seen.add(address)
            self._asked.add(address)
            self._hands.submit(self._errands.welcome, address, int(present[address]["nthreads"]))
        if self._workers:
            self._had_workers = now
        elif now - self._had_workers > self._patience:
            raise AssayError(f"--dask: {self._address} has had no worker for {self._patience:.0f} seconds")

    def _drop(self, worker: Worker, reason: str) -> None:
        self._workers.pop(worker.address, None)
        if worker.token:
            self._inbox.put({"kind": "lost", "token": worker.token, "reason": f"{worker.address}: {reason}"})

    def _hand_out(self) -> None:
        for worker in self._workers.values():
            if self._waiting and not worker.token:
                worker.token = uuid.uuid4().hex
                self._running[worker.token] = Running(self._waiting.popleft(), worker, worker.token)
                self._hands.submit(self._errands.start, self._running[worker.token])

    def _forget(self, running: Running) -> None:
        del self._running[running.token]
        running.worker.token = ""

    def _taken(self, message: Mapping[str, Any]) -> Event | None:
        """Make an event of a message; one about a job that was handed out anew meanwhile counts no more."""
        if "address" in message:
            self._met(message)
            return None
        running = self._running.get(message["token"])
        if not running:
            return None
        number, kind = running.job.number, message["kind"]
        if kind == "begun":
            running.begun = True
            return None
        if kind == "epoch":
            running.waits = True
            return Epoch(number, message["row"])
        self._forget(running)
        if kind == "failed":
            return Failed(number, message["reason"])
        if kind == "finished":
            rows, scores = tuple(message["rows"]), message["scores"]
            return Finished(number, rows, scores, message["stopped"], message["facts"])
        if kind == "unsupplied":
            log.warning("worker %s; it gets no more trials", message["reason"])
            self._workers.pop(running.worker.address, None)
        self._hands.submit(self._errands.give_up, running)
        return Lost(number, message["reason"])

    def _met(self, message: Mapping[str, Any]) -> None:
        address, kind = message["address"], message["kind"]
        self._asked.discard(address)
        if kind == "welcome":
            self._workers[address] = message["worker"]
        elif kind == "unfit":
            log.warning("%s; it gets no trials", message["reason"])
