"""What a tracked stage does around its work: know the trace before, hand over the run after."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from src import paths
from src.tracking import delivery, outputs, quick, store, surroundings
from src.tracking import trace as traces
from src.tracking.lineage import Stint
from src.tracking.records import Record

log = logging.getLogger(__name__)


@dataclass
class Measured:
    """What a stage measured on the way and varies from run to run: for MLflow, never for an output of DVC."""

    trace: str = ""
    values: dict[str, float] = field(default_factory=dict)

    def measure(self, **values: float) -> None:
        """Note numbers such as seconds and images a second."""
        self.values.update(values)


@contextmanager
def training() -> Iterator[Measured]:
    """Give the trace of the train stage; once the block has written the model, add trace.json and track the run.

    Raises:
        AssayError: an input that dvc.yaml lists is missing.
    """
    trace = traces.compute("train")
    began, measured = _began(), Measured(trace.trace)
    yield measured
    traces.write(trace, paths.MODEL.trace)
    ended = _ended(began, measured, "train_seconds")
    _track(lambda: outputs.training(trace, ended))


@contextmanager
def evaluation() -> Iterator[Measured]:
    """Track an evaluation in the run of its training, which is made from DVC's outputs if it is not there."""
    began, measured = _began(), Measured()
    yield measured
    ended = _ended(began, measured, "evaluate_seconds")
    _track(lambda: outputs.evaluation(outputs.restored_trace(), ended), _restored)


def record() -> bool:
    """Make the run of the outputs in build/ where MLflow has none, so that a run that DVC restored is there too.

    Raises:
        AssayError: nothing was trained or evaluated here.
    """
    described = outputs.evaluation(outputs.restored_trace())
    if quick.holds(store.database(paths.home()), described):
        log.info("MLflow: run %s is there", described.name)
        return True
    return delivery.deliver(described, paths.home(), _restored)


def _restored() -> Record:
    return outputs.training(outputs.restored_trace())


def _track(make: Callable[[], Record], training: Callable[[], Record] | None = None) -> None:
    try:
        made = make()
    except Exception as error:  # the stage's outputs stand, whatever is wrong with describing them
        log.debug("no record", exc_info=True)
        log.warning("Not tracked, outputs are complete: %s", delivery.reason(error))
        return
    delivery.deliver(made, paths.home(), training)


def _began() -> Stint:
    now = _milliseconds()
    return Stint(now, now, surroundings.commit())


def _ended(began: Stint, measured: Measured, seconds: str) -> Stint:
    end = _milliseconds()
    return replace(began, end=end, measured={seconds: (end - began.start) / 1000, **measured.values})


def _milliseconds() -> int:
    return int(time.time() * 1000)
