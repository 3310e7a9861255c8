"""The messages between the driver and its workers, as plain values that any transport can carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

Row = Mapping[str, float]
TRIES = 3  # attempts at a training whose worker is lost


@dataclass(frozen=True)
class Fold:
    """Rows of the store for one training of a cross-validation: to train on, to validate on, and held out to predict.

    val serves early stopping and the choice of the threshold. If it is empty, the last epoch is kept.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    held: tuple[int, ...]


@dataclass(frozen=True)
class Job:
    """One training: the whole params file as plain, validated values, and the seed that replaces the one in it.

    fold: the rows that it uses; None: the rows of train and val.
    """

    number: int
    params: Mapping[str, Any]
    seed: int
    fold: Fold | None = None

    def with_threads(self, threads: int) -> "Job":
        """Return a copy of the job with train.threads set to the number of threads of its worker."""
        train = {**self.params.get("train", {}), "threads": threads}
        return replace(self, params={**self.params, "train": train})


@dataclass(frozen=True)
class Epoch:
    """A row of the history; the worker waits for an answer before it continues."""

    number: int
    row: Row


@dataclass(frozen=True)
class Answer:
    """The results of a fold's model: probabilities (N, K) for val and for the held-out rows, and the model file."""

    val: Any
    held: Any
    model: bytes


@dataclass(frozen=True)
class Finished:
    """A training that ran to its end or was stopped by the driver: its history and its scores on val.

    answer: only for the training of a fold.
    """

    number: int
    rows: tuple[Row, ...]
    scores: Mapping[str, float]
    stopped: bool = False
    facts: Mapping[str, float] = field(default_factory=dict)
    answer: Answer | None = None


@dataclass(frozen=True)
class Failed:
    """A training that cannot be done: it diverged, ran out of memory, or its params do not fit the images."""

    number: int
    reason: str


@dataclass(frozen=True)
class Lost:
    """A training whose worker disappeared; the job may be submitted again."""

    number: int
    reason: str


Event = Epoch | Finished | Failed | Lost


class Executor(Protocol):
    """Runs jobs somewhere: local processes, or a cluster."""

    @property
    def workers(self) -> int:
        """How many jobs run at once."""

    def submit(self, job: Job) -> None:
        """Send a job to a free worker."""

    def answer(self, number: int, *, go_on: bool) -> None:
        """Continue the training that reported an epoch, or stop it."""

    def take_back(self) -> list[int]:
        """Cancel the jobs that no worker has started, and return their numbers; no events follow for them."""

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event."""

    def close(self) -> None:
        """Stop the workers, or disconnect from those of a cluster."""
