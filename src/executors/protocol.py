"""What the driver and its workers say to each other, as plain values that any transport can carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

Row = Mapping[str, float]
TRIES = 3  # of a training whose worker is lost


@dataclass(frozen=True)
class Fold:
    """Rows of the store in a cross-validation: to learn from, to stop and choose a threshold by, and to answer for.

    Without val the last epoch is kept.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    held: tuple[int, ...]


@dataclass(frozen=True)
class Job:
    """One training: the whole params file as plain, validated values, and the seed that replaces the one in it.

    fold: the rows that it is about, else those of train and val.
    """

    number: int
    params: Mapping[str, Any]
    seed: int
    fold: Fold | None = None

    def with_threads(self, threads: int) -> "Job":
        """Return the job with the number of threads of the worker that trains it."""
        train = {**self.params.get("train", {}), "threads": threads}
        return replace(self, params={**self.params, "train": train})


@dataclass(frozen=True)
class Epoch:
    """A row of the history; the worker waits for an answer before it goes on."""

    number: int
    row: Row


@dataclass(frozen=True)
class Answer:
    """What the model of a fold gives: probabilities (N, K) of val and of what was held out, and the file of it."""

    val: Any
    held: Any
    model: bytes


@dataclass(frozen=True)
class Finished:
    """A training that came to its end or was stopped by the driver: its history and its scores on val.

    answer: of the training of a fold.
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
    """A training whose worker went away: the job may be handed out again."""

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
        """Return the numbers of the jobs that nobody trains yet, and forget these: no event of them will come."""

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event."""

    def close(self) -> None:
        """End the workers, or leave them to others."""
