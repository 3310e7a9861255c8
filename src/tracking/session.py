"""What a tracked stage does around its work: know the trace before, hand over the run after."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from src import paths
from src.tracking import delivery, outputs, surroundings
from src.tracking import trace as traces
from src.tracking.outputs import Stint
from src.tracking.records import Record

log = logging.getLogger(__name__)


@dataclass
class Running:
    """A stage that is under way: the trace of its training, and what it measures on the way, for MLflow only."""

    trace: str
    measured: dict[str, float] = field(default_factory=dict)

    def measure(self, **values: float) -> None:
        """Note numbers that vary from run to run, such as seconds and images a second."""
        self.measured.update(values)


@contextmanager
def training() -> Iterator[Running]:
    """Know the trace of the train stage; once the block has written the model, add trace.json and track the run.

    Raises:
        AssayError: an input that dvc.yaml lists is missing.
    """
    trace = traces.compute("train")
    began = _began()
    running = Running(trace.trace)
    yield running
    traces.write(trace, paths.MODEL.trace)
    _track(lambda: outputs.training(trace, _ended(began, running)))


@contextmanager
def evaluation() -> Iterator[Running]:
    """Track an evaluation in the run of its training, which is made from DVC's outputs if it is not there.

    Raises:
        AssayError: nothing was trained here.
    """
    trace = outputs.restored_trace()
    began = _began()
    running = Running(trace.trace)
    yield running
    _track(lambda: outputs.evaluation(trace, _ended(began, running)), _restored)


def record() -> bool:
    """Make the run of the outputs in build/ where MLflow has none, so that a run that DVC restored is there too.

    Raises:
        AssayError: nothing was trained or evaluated here.
    """
    trace = outputs.restored_trace()
    return delivery.deliver(outputs.evaluation(trace), paths.home(), _restored)


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


def _ended(began: Stint, running: Running) -> Stint:
    return replace(began, end=_milliseconds(), measured=running.measured)


def _milliseconds() -> int:
    return int(time.time() * 1000)
