"""The section `tune`: the hyperparameter search over values of the other sections."""

import json
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    model_serializer,
    model_validator,
)

from src.config.field_types import Count, Name, Number, Section, named, one_of
from src.metrics.scores import BY_NAME, EPOCH_SCORES

MOST = 1e9  # larger than the upper bound of every parameter
MULTIPLE = 1e-9  # tolerance, in steps, when a range must be a whole number of steps
SCORES = (*BY_NAME, *(f"val_{name}" for name in EPOCH_SCORES), "parameters")  # scores by which trials may be compared


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _different(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or len(names) > 2 or len(set(names)) < len(names):
        raise ValueError("expected the name of a metric, or a list of two")
    return names


Metric = Annotated[str, one_of(lambda: SCORES)]


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")
    if not abs(value) <= MOST:  # written so that NaN is refused too
        raise ValueError(f"expected a number of at most {MOST:g}")
    return value


End = Annotated[int | float | None, PlainValidator(_number)]


class SpaceEntry(Section):
    """The values to try for one parameter: one of `choices`, or a number from `low` to `high` (both included).

    A range with integer low, high and step gives integers. log: draw on a logarithmic scale. step: draw only low,
    low + step, ... when: vary this parameter only if other entries, which must have choices, have the values given
    here; otherwise it keeps its value in params.yaml.
    """

    choices: tuple[Any, ...] | None = None
    low: End = None
    high: End = None
    log: StrictBool = False
    step: End = None
    when: dict[str, Any] = Field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether a range contains only integers."""
        return isinstance(self.low, int) and isinstance(self.high, int) and not isinstance(self.step, float)

    @model_validator(mode="after")
    def is_choices_or_range(self) -> Self:
        if self.choices is not None:
            self._check_choices()
        elif self.low is None or self.high is None:
            raise ValueError("expected choices, or low and high")
        else:
            self._check_range(self.low, self.high)
        return self

    def _check_choices(self) -> None:
        given = sorted(self.model_fields_set & {"low", "high", "log", "step"})
        if given:
            raise ValueError(f"expected either choices or a range, found choices and {', '.join(given)}")
        texts = [json.dumps(choice, sort_keys=True, default=str) for choice in self.choices or ()]
        if not texts or len(set(texts)) < len(texts):
            raise ValueError("expected choices that differ, at least one")

    def _check_range(self, low: float, high: float) -> None:
        if low >= high:
            raise ValueError(f"expected low below high, found {low} and {high}")
        if self.log and (low <= 0 or self.step is not None):
            raise ValueError("expected log with a low above 0 and without step")
        if self.step is not None and self.step <= 0:
            raise ValueError(f"expected a step above 0, found {self.step}")
        steps = (high - low) / self.step if self.step else 0
        if steps > MOST:
            raise ValueError(f"expected at most {MOST:g} steps, found low {low}, high {high} and step {self.step}")
        if abs(steps - round(steps)) > MULTIPLE:
            raise ValueError(f"expected high to be low plus a multiple of step, found {low}, {high} and {self.step}")

    @model_serializer(mode="wrap")
    def as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Serialize only the fields that were given."""
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}


def _named_by_dots(space: object) -> object:
    for section, entry in space.items() if isinstance(space, dict) else ():
        inner = [name for name, part in entry.items() if isinstance(part, dict)] if isinstance(entry, dict) else []
        if inner and not set(entry) & set(SpaceEntry.model_fields):
            raise ValueError(f"expected dotted names, such as {section}.{inner[0]}; found a section {section!r}")
    return space


class Sampler(Section):
    """How the values of the next trial are chosen, and how many trials are drawn at random first."""

    name: Annotated[str, named("tune.sampler:SAMPLERS")]
    startup_trials: Number


class Pruner(Section):
    """Which trials are stopped early.

    For median and percentile: no trial is stopped before `startup_trials` trials have ended, nor in its own first
    `warmup_epochs` epochs; `percentile` percent of the trials, the best ones, continue. For halving and hyperband:
    trials are first compared after `min_epochs` epochs; each time, the best one of every `reduction` trials continues.
    """

    name: Annotated[str, named("tune.pruner:PRUNERS")]
    startup_trials: Number
    warmup_epochs: Number
    percentile: Annotated[float, Field(gt=0, lt=100, strict=True)]
    min_epochs: Count
    reduction: Annotated[StrictInt, Field(ge=2, le=1000)]


class Confirm(Section):
    """How many of the best trials (`top`) are retrained, each with `seeds` seeds, so that luck does not decide."""

    top: Count
    seeds: Annotated[StrictInt, Field(ge=2, le=100)]


class Tune(Section):
    """Which parameters are varied, which val scores compare the trials, and how the next trial is chosen."""

    metric: Annotated[tuple[Metric, ...], BeforeValidator(_listed), AfterValidator(_different)]
    trials: Count
    sampler: Sampler
    pruner: Pruner
    confirm: Confirm
    space: Annotated[dict[Name, SpaceEntry], BeforeValidator(_named_by_dots)]
