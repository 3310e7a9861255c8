"""The search space: what a trial may vary, checked against the Pydantic models of the params before anything runs.

`--sweep` narrows it to one setting varied at a time around the baseline.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ValidationError

from src.config import Params, SpaceEntry, parse
from src.config.load import describe
from src.config.overrides import canonical, replaced
from src.core import nested
from src.core.errors import AssayError, suggestion
from src.core.paths import PARAMS

if TYPE_CHECKING:  # importing it takes a second
    import optuna

Plain = None | bool | int | float | str
Values = dict[str, Any]
ENCODED = "json:"  # prefix of a list or mapping, which Optuna can store only as text
MOST = 100  # whole numbers in a range that are all checked; of a longer range only the ends and the middle
INCOMPARABLE = "other images in the parts would make scores incomparable"
NOT_READ = "training does not read it"
CLOSED = {
    "seed": "it is chance; tune.confirm trains the best over several seeds",
    "dataset": INCOMPARABLE,
    "split": INCOMPARABLE,
    "evaluate": NOT_READ,
    "export": NOT_READ,
    "track": NOT_READ,
    "repeat": NOT_READ,
    "tune": NOT_READ,
    "preprocess.max_rejected": NOT_READ,
    "train.threads": "it follows from the number of workers",
}
OPEN = ("preprocess", "model", "train")
POINTS = 5  # values that a sweep tries in a range without steps, including its ends
DIGITS = 3  # significant digits of these values


def suggest(trial: "optuna.Trial", entries: Mapping[str, SpaceEntry]) -> Values:
    """Suggest a value for each entry whose `when` fits the values before it, always in the same order."""
    values: Values = {}
    for name, entry in entries.items():
        if applies(entry, values):
            values[name] = decode(_ask(trial, name, entry))
    return values


def encode(value: Any) -> Plain:
    """Turn a list or mapping into text that Optuna can store; return other values as they are.

    >>> encode(["gray", "resize"]), encode(16)
    ('json:["gray", "resize"]', 16)
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return ENCODED + json.dumps(value, sort_keys=True, ensure_ascii=False)


def decode(value: Any) -> Any:
    """Undo `encode`.

    >>> decode('json:["gray", "resize"]'), decode(16)
    (['gray', 'resize'], 16)
    """
    encoded = isinstance(value, str) and value.startswith(ENCODED)
    return json.loads(value.removeprefix(ENCODED)) if encoded else value


def _ask(trial: "optuna.Trial", name: str, entry: SpaceEntry) -> Any:
    if entry.choices is not None:
        return trial.suggest_categorical(name, [encode(choice) for choice in entry.choices])
    low, high = entry.low or 0, entry.high or 0  # both are set: the entry has been validated
    if entry.whole:
        return trial.suggest_int(name, int(low), int(high), step=int(entry.step or 1), log=entry.log)
    return trial.suggest_float(name, float(low), float(high), step=entry.step, log=entry.log)


def checked(params: Params) -> dict[str, SpaceEntry]:
    """Return the entries of tune.space in an order in which each comes after those that its `when` names.

    Raises:
        AssayError: one line for every wrong entry, or one if there is no entry.
    """
    entries = params.tune.space
    if not entries:
        raise AssayError(f"{PARAMS}: tune.space: expected at least one parameter to vary, found none")
    for found in (_names(entries), _conditions(entries)):
        _refuse(found)
    try:
        names = TopologicalSorter({name: list(entry.when) for name, entry in entries.items()}).static_order()
        ordered = {name: entries[name] for name in names}
    except CycleError as error:
        circle = ", ".join(name for name in entries if name in error.args[1])
        raise AssayError(f"tune.space: when: {circle} depend on each other") from None
    _refuse(_values(params, ordered))
    return ordered


def applies(entry: SpaceEntry, values: Mapping[str, Any]) -> bool:
    """True if the other values are those that the `when` of an entry asks for."""
    return all(name in values and canonical(values[name]) in _wanted(want) for name, want in entry.when.items())


def _refuse(found: Iterable[tuple[str, str]]) -> None:
    if lines := [f"tune.space.{name}: {what}" for name, what in found]:
        raise AssayError("\nerror: ".join(lines))


def _names(entries: Mapping[str, SpaceEntry]) -> Iterator[tuple[str, str]]:
    """Find names that are not a parameter, cannot be varied, or are within another entry."""
    known = list(_known())
    for name in entries:
        reason = CLOSED.get(name) or CLOSED.get(name.split(".")[0])
        if reason:
            yield name, f"cannot be varied: {reason}"
        elif name in OPEN:
            yield name, f"expected a parameter of that section, such as {next(k for k in known if k.startswith(name))}"
        elif name not in known:
            yield name, f"unknown parameter{suggestion(name, known)}"
        for other in entries:
            if name.startswith(f"{other}."):
                yield name, f"{other} as a whole is varied, too"


def _known(model: type[BaseModel] = Params, prefix: str = "") -> Iterator[str]:
    """List the parameters that may be varied, including nested sections."""
    for name, field in model.model_fields.items():
        whole = prefix + name
        if whole.split(".")[0] not in OPEN or whole in CLOSED:
            continue
        if prefix:
            yield whole
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _known(field.annotation, f"{whole}.")


def _conditions(entries: Mapping[str, SpaceEntry]) -> Iterator[tuple[str, str]]:
    """Find each `when` that does not name an entry with choices, or asks for a value that is not among them."""
    with_choices = [name for name, entry in entries.items() if entry.choices is not None]
    for name, entry in entries.items():
        for other, want in entry.when.items():
            if other not in with_choices:
                hint = suggestion(other, with_choices)
                yield name, f"when: expected an entry of tune.space with choices, found {other!r}{hint}"
                continue
            choices = [canonical(choice) for choice in entries[other].choices or ()]
            asked = want if isinstance(want, list) and canonical(want) not in choices else [want]
            if absent := [text for text in map(canonical, asked) if text not in choices]:
                yield name, f"when: expected choices of {other}, {', '.join(choices)}; found {', '.join(absent)}"


def _wanted(want: Any) -> set[str]:
    """Return the values that a `when` accepts, as text: one, or any of a list; a choice may itself be a list."""
    return {canonical(want), *(canonical(each) for each in want)} if isinstance(want, list) else {canonical(want)}


def _values(params: Params, entries: Mapping[str, SpaceEntry]) -> Iterator[tuple[str, str]]:
    """Find values that the Pydantic models reject; if values do not fit together, only the trial fails."""
    content = params.model_dump(mode="json")
    for name, entry in entries.items():
        wrong = next((line for value in _samples(entry) for line in _wrong(content, {name: value})), None)
        if wrong:
            key, _, what = wrong.partition(": ")
            yield (key, what) if key.startswith(name) else (name, wrong)


def _samples(entry: SpaceEntry) -> list[Any]:
    """Return the values to check."""
    if entry.choices is not None:
        return list(entry.choices)
    low, high = entry.low or 0, entry.high or 0
    if entry.whole:
        numbers = range(int(low), int(high) + 1, int(entry.step or 1))
        return list(numbers) if len(numbers) <= MOST else [low, numbers[len(numbers) // 2], high]
    return [float(low), float(low + high) / 2, float(high)]


def _wrong(content: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    try:
        Params.model_validate(replaced(content, values))
    except ValidationError as error:
        return describe(error)
    return []


def narrowed(params: Params, names: Sequence[str]) -> tuple[Params, list[Values]]:
    """Return params whose search space has only these entries, with their values as choices, and the points to try.

    The baseline's own value is one of the choices. Nothing is pruned, so that every value has a score. The points, as
    Optuna stores them, are the baseline, then every other value of each entry.

    Raises:
        AssayError: a name is not in tune.space, or has no effect on the baseline.
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
        values = {canonical(value): value for value in (here[name], *_points(entry))}
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values.values())
        space[name] = {"choices": sorted(values.values()) if numbers else list(values.values())}
    content["tune"] |= {"space": space, "pruner": content["tune"]["pruner"] | {"name": "none"}}
    middle = {name: encode(here[name]) for name in space}
    others = [(name, encode(value)) for name, entry in space.items() for value in entry["choices"]]
    return parse(content), [middle, *(middle | {name: value} for name, value in others if value != middle[name])]


def _points(entry: SpaceEntry) -> list[Any]:
    if entry.choices is not None:
        return list(entry.choices)
    low, high = float(entry.low or 0), float(entry.high or 0)
    if entry.step:
        numbers = np.arange(low, high + entry.step / 2, entry.step)
    else:
        numbers = (np.geomspace if entry.log else np.linspace)(low, high, POINTS)
    rounded = [float(f"{number:.{DIGITS}g}") for number in numbers]
    return list(dict.fromkeys(round(number) for number in rounded)) if entry.whole else rounded
