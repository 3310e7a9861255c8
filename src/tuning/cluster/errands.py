"""What a driver does for the workers of a cluster in threads of its own, since any of it may take long.

What comes of an errand goes as a message to the executor; errands change nothing that the executor looks at.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from src.errors import AssayError
from src.params import parse
from src.tuning.cluster import receiving, shipping
from src.tuning.cluster.shipping import Parcel
from src.tuning.cluster.supply import Found, Supply, UnfitError, by_value
from src.tuning.jobs import Job

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Worker:
    """A worker that has our code."""

    address: str
    threads: int
    found: Found
    token: str = ""  # of the job that it is busy with


@dataclass(eq=False)
class Running:
    """A job that was handed out; the token tells it from the same job handed out before."""

    job: Job
    worker: Worker
    token: str
    future: Any = None
    begun: bool = False  # rather than on its way, or behind another driver's
    waits: bool = False  # for the answer to an epoch
    unwanted: bool = False


@dataclass
class Parcels:
    """The images of each way to prepare them, packed once and again when their files are written again."""

    home: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    known: dict[Any, Parcel] = field(default_factory=dict)

    def of(self, job: Job) -> Parcel:
        """Give the images for a job, prepared on this machine if they are not yet."""
        from src.tuning import variants

        params = parse(dict(job.params))
        with self.lock:
            prepared, split = variants.prepared(params, self.home)
            key = variants.signature(prepared.images, prepared.index, split.parts)
            if key not in self.known:
                self.known[key] = shipping.of_images(prepared, split, params.preprocess)
            return self.known[key]


@dataclass(frozen=True)
class Errands:
    """Brings workers what they need: code, images, jobs and answers."""

    client: Any
    supply: Supply
    parcels: Parcels
    topic: str
    target: str
    tell: Callable[[Mapping[str, Any]], None]

    def welcome(self, address: str, threads: int) -> None:
        """Look at a worker and bring it our code."""
        message: dict[str, Any] = {"kind": "asked", "address": address}
        try:
            found = self.supply.welcome(address)
            message |= {"kind": "welcome", "worker": Worker(address, threads, found)}
        except UnfitError as error:
            message |= {"kind": "unfit", "reason": str(error)}
        except Exception as error:  # noqa: BLE001  it went away, or has no room: it is asked again when it comes back
            log.debug("worker %s: %s", address, error)
        self.tell(message)

    def start(self, running: Running) -> None:
        """Bring a worker the images of a job, then the job."""
        worker, job = running.worker, running.job
        try:
            home = self.supply.bring(self.parcels.of(job), worker.address, worker.found)
            code = str(Path(worker.found.folder, self.supply.code))
            train = {**job.params["train"], "threads": worker.threads}
            content = asdict(job) | {"params": {**job.params, "train": train}}
            running.future = self.client.submit(
                by_value(receiving.train), content, str(home), code, self.topic, running.token, self.target,
                key=f"trial-{job.number}-{running.token}", workers=[worker.address], allow_other_workers=False,
                pure=False, retries=0,
            )  # fmt: skip
            running.future.add_done_callback(lambda future: self._ended(running, future))
            if running.unwanted:  # since a moment in which there was no future to cancel
                running.future.cancel()
        except AssayError as error:
            self.tell({"kind": "failed", "token": running.token, "reason": str(error)})
        except Exception as error:  # noqa: BLE001  the worker went away meanwhile, or its disk is full
            self.tell({"kind": "unsupplied", "token": running.token, "reason": _described(worker, error)})

    def answer(self, running: Running, go_on: bool) -> None:
        """Bring the answer to an epoch; a training that it does not reach would wait for ever, so it is lost."""
        try:
            self.supply.call(receiving.answer, running.token, go_on, address=running.worker.address)
        except Exception as error:  # noqa: BLE001  the worker went away, or its connection did
            self.tell({"kind": "lost", "token": running.token, "reason": _described(running.worker, error)})

    def give_up(self, running: Running) -> None:
        """See to it that a job's task ends, also where it is still on its way."""
        running.unwanted = True
        if running.future:
            running.future.cancel()

    def _ended(self, running: Running, future: Any) -> None:
        """Hear of a task's end; its own message, if it sent one, has come before this."""
        reason = "the task ended without a word" if future.status == "finished" else "the cluster gave the task up"
        if future.status == "error":
            reason = str(future.exception())
        self.tell({"kind": "lost", "token": running.token, "reason": reason})


def _described(worker: Worker, error: Exception) -> str:
    return f"{worker.address}: {type(error).__name__}: {error}".splitlines()[0]
