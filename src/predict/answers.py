"""Predictions as people and programs read them: a table, CSV, JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from src.core.files import replacing, write_csv
from src.export.bundle import Description
from src.export.predictor import UNLIKE, Prediction

KINDS = (".csv", ".json")
DECIMALS = 8
Row = dict[str, Any]


def row(found: Prediction, explained: str | None = None) -> Row:
    """Return a prediction as a row: p_CLASS is calibrated, uncalibrated_CLASS is the value as in predictions.csv."""
    line: Row = {
        "file": found.name,
        "class": found.label,
        "probability": round(found.probability, DECIMALS),
        "threshold": found.threshold,
        "flags": " ".join(found.flags),
        "distance": round(found.distance, 6),
        **{f"p_{name}": round(value, DECIMALS) for name, value in found.probabilities.items()},
        **{f"uncalibrated_{name}": round(value, DECIMALS) for name, value in found.uncalibrated.items()},
    }
    return line | ({"explanation": explained} if explained else {})


def table(rows: Sequence[Row], about: Description) -> str:
    """Return rows as a table for a terminal."""
    chance = f"p({about.positive})" if about.positive else "probability"
    lines = []
    for line in rows:
        cells = {"file": line["file"], "class": line["class"], chance: f"{line['probability']:.3f}"}
        if line["threshold"] is not None:
            cells["threshold"] = f"{line['threshold']:.3f}"
        lines.append(cells | {"flags": line["flags"]})
    # A file name such as 007 or 1e5 must not be formatted as a number.
    return str(tabulate(lines, headers="keys", tablefmt="plain", disable_numparse=True))


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV or JSON, by the suffix."""
    if path.suffix.lower() == ".csv":
        write_csv(path, list(rows[0]), (line.values() for line in rows))
        return
    with replacing(path) as temporary:
        listed = [line | {"flags": line["flags"].split()} for line in rows]
        temporary.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def summary(rows: Sequence[Row]) -> str:
    """Return a line with the number of images of each class, and of those unlike the training images."""
    counts = Counter(line["class"] for line in rows)
    unlike = sum(UNLIKE in line["flags"].split() for line in rows)
    parts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f"{len(rows)} image{'s' * (len(rows) != 1)}: {parts}; {unlike} unlike the training images"
