"""The params file of a trial: that of the study with some values replaced; and a hash of what determines its result."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from src.config import Model, Preprocess, Train, parse
from src.core import nested, registry
from src.core.files import digest_of

Content = dict[str, Any]
OPTIMIZERS, SCHEDULES = "train.optimizers:OPTIMIZERS", "train.optimizers:SCHEDULES"
BALANCES = "train.class_balance:BALANCES"
THOUSAND = 1000  # whole numbers from here on are written without exponent
MOVED = ("rotation", "shift", "shear", "zoom")  # augmentations that need pixels from outside the image


def with_values(content: Mapping[str, Any], values: Mapping[str, Any]) -> Content:
    """Return the content of a params file with the values at dotted names replaced, validated, and with every field.

    Raises:
        AssayError: a name is not a parameter, or a value is not allowed.
    """
    return parse(replaced(content, values), "tune").model_dump(mode="json")


def replaced(content: Mapping[str, Any], values: Mapping[str, Any]) -> Content:
    """Return a copy of nested mappings with the values at dotted names replaced, without validation.

    Raises:
        AssayError: the section of a name does not exist.
    """
    changed: Content = copy.deepcopy(dict(content))
    for name, value in values.items():
        nested.put(changed, name, copy.deepcopy(value), "tune")
    return changed


def canonical(value: Any) -> str:
    """Return a plain value as JSON; equal values give equal text, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def short(value: Any) -> str:
    """Return a value as short text for a reader; numbers have four significant digits."""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) >= THOUSAND else f"{value:.4g}"
    return f"[{', '.join(map(short, value))}]" if isinstance(value, list | tuple) else str(value)


def key(content: Mapping[str, Any], seed: int) -> str:
    """Hash what determines the val scores of a training; unused values, such as momentum with adam, are left out."""
    params = parse(content, "tune")
    read = {
        "seed": seed,
        "dataset": params.dataset.model_dump(mode="json", exclude={"max_unpacked_gb", "max_download_gb"}),
        "split": params.split.model_dump(mode="json"),
        "preprocess": preprocessing(params.preprocess),
        "model": _model(params.model),
        "train": _train(params.train),
        "threshold": params.evaluate.threshold,
    }
    return digest_of(canonical(read))


def preprocessing(section: Preprocess) -> Content:
    """Return the values that may change the prepared images: almost all, since a user's own step may read any value."""
    return section.model_dump(mode="json", exclude={"max_rejected"})


def _model(section: Model) -> Content:
    return section.model_dump(include={"name", *registry.options("models", section.name)}) | section.own()


def _train(section: Train) -> Content:
    read = section.model_dump(mode="json")
    read["patience"] = min(section.patience, section.epochs)
    for table, chosen in ((OPTIMIZERS, section.optimizer), (BALANCES, section.balance)):
        all_options = {option for name in registry.names(table) for option in registry.options(table, name)}
        for option in all_options - set(registry.options(table, chosen)):
            del read[option]
    names = ("name", "warmup", *registry.options(SCHEDULES, section.schedule.name))
    read["schedule"] = {name: read["schedule"][name] for name in names}
    if not any(read["augment"][name] for name in MOVED):
        del read["augment"]["fill"]
    return read
