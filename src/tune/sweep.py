"""One setting varied at a time around the baseline: `python -m src.tune --sweep train.batch_size model.dropout`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from src.config import Params, SpaceEntry, parse
from src.config.overrides import canonical
from src.core import nested
from src.core.errors import AssayError, suggestion
from src.tune.space import Values, applies, encode

POINTS = 5  # of a range without steps, its ends among them
DIGITS = 3


def narrowed(params: Params, names: Sequence[str]) -> tuple[Params, list[Values]]:
    """Return the parameters with a search space of these entries alone, each with its values as choices; and points.

    The baseline's own value is one of them. Nothing is pruned, so that every value has its score. Points are what to
    try, as Optuna keeps it: the baseline, then each other value of each.

    Raises:
        AssayError: a name that tune.space does not hold, or one that the baseline does not read.
    """
    content = params.model_dump(mode="json")
    here = {name: nested.get(content, name) for name in params.tune.space}
    space = {}
    for name in dict.fromkeys(names):
        if name not in here:
            hint = suggestion(name, list(here))
            raise AssayError(f"--sweep: expected entries of tune.space, {', '.join(here)}; found {name!r}{hint}")
        entry = params.tune.space[name]
        if not applies(entry, here):
            wanted = ", ".join(f"{other} {canonical(value)}" for other, value in entry.when.items())
            raise AssayError(f"--sweep: {name} has no effect on the baseline: it needs {wanted}")
        values = {canonical(value): value for value in (here[name], *_values(entry))}
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values())
        space[name] = {"choices": sorted(values.values()) if numbers else list(values.values())}
    content["tune"] |= {"space": space, "pruner": content["tune"]["pruner"] | {"name": "none"}}
    middle = {name: encode(here[name]) for name in space}
    others = [(name, encode(value)) for name, entry in space.items() for value in entry["choices"]]
    return parse(content), [middle, *(middle | {name: value} for name, value in others if value != middle[name])]


def _values(entry: SpaceEntry) -> list[Any]:
    if entry.choices is not None:
        return list(entry.choices)
    low, high = float(entry.low or 0), float(entry.high or 0)
    if entry.step:
        numbers = np.arange(low, high + entry.step / 2, entry.step)
    else:
        numbers = (np.geomspace if entry.log else np.linspace)(low, high, POINTS)
    rounded = [float(f"{number:.{DIGITS}g}") for number in numbers]
    return list(dict.fromkeys(round(number) for number in rounded)) if entry.whole else rounded
