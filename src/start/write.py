"""params.yaml from a plan: the decisions as comments at its head, and no edit of a person lost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src import config
from src.core import yaml_file
from src.core.paths import PARAMS
from src.presets import catalog, write_params
from src.start.plan import Decision

BASE = "covid_compact"  # its values where the data do not ask for others; its scores are not told
FOR_MODEL = {"efficientnet_lite0": "pneumonia_transfer"}  # in its place
GUESS = "Wrong guesses are changed by editing one line below."


def lines(decisions: Sequence[Decision], changes: Mapping[str, Any], text: str = "") -> list[str]:
    """Write a line for each decision, then the questions, each with the line of `text` to edit, if that is given."""
    told = [f"{decision.topic + ':':<12}{decision.says}" for decision in decisions]
    if changes:
        told.append(
            f"{'as asked:':<12}" + " ".join(f"{key}={yaml_file.written(each)}" for key, each in changes.items())
        )
    return told + [
        f"? {decision.question}{_place(decision.question, text)}" for decision in decisions if decision.question
    ]


def text(decisions: Sequence[Decision], changes: Mapping[str, Any], source: str, home: Path) -> str:
    """Make the whole params.yaml.

    Raises:
        AssayError: a change names no key, or has a value that is not allowed.
    """
    values = {key: value for decision in decisions for key, value in decision.values.items()} | dict(changes)
    base = FOR_MODEL.get(values["model.name"], BASE)
    plain = catalog.without_header(catalog.read(base, home).text).strip("#\n ")
    body = write_params.changed(f"# {plain}\n", values, PARAMS.name)
    head = [f"Plan of {config.source_name(source)}. {GUESS}", *lines(decisions, changes)]
    made = "".join(f"# {line}\n" for line in head) + f"#\n{body}"
    config.parse(yaml_file.parsed(made, PARAMS.name), PARAMS.name)
    return write_params.signed(made, "python -m src.start")


def _place(question: str, made: str) -> str:
    """Name the line of params.yaml that holds the key at which a question points."""
    for number, line in enumerate(made.splitlines(), start=1):
        key = line.partition(":")[0].strip()
        if line.startswith("  ") and f".{key}" in question and not line.lstrip().startswith("#"):
            return f" ({PARAMS}, line {number})"
    return ""
