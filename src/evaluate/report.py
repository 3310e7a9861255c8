"""report.html: one page that holds everything, to be read by people."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from PIL import Image as Pillow

from src.core import nested
from src.core.files import read_json, write_text
from src.core.partition import PARTS
from src.core.paths import ModelFiles, Prepared, Raw, SplitFiles
from src.evaluate.gallery import Picture
from src.evaluate.inputs import Image, count, read_losses
from src.evaluate.layers import Layer
from src.evaluate.report_warnings import notices
from src.evaluate.results import DECIMALS, ClassScores, Results
from src.metrics.bootstrap import Estimate
from src.metrics.scores import BY_NAME, METRICS, PER_CLASS
from src.metrics.threshold import RULES

TEMPLATE = Path(__file__).with_name("report.html.j2")
WORDS = {"bad": "Danger:", "warn": "Warning:", "note": "Note:", "good": "Fine:"}
BROAD = 1.7  # pictures wider than this for their height, or than this in pixels, take the whole page
BROAD_PIXELS = 800
HEADLINES = ("auc", "sensitivity", "specificity", "f1")
NOTHING = "-"


class Line(NamedTuple):
    """A score in the table: its name, what it means, on test, its interval, on val."""

    name: str
    meaning: str
    value: str
    interval: str
    val: str


@dataclass(frozen=True)
class Sources:
    """What the report shows besides the results."""

    audit: Mapping[str, Any]
    fingerprint: str
    parameters: Mapping[str, Any]
    sheets: tuple[Picture, ...]
    losses: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, raw: Raw | None, prepared: Prepared, split: SplitFiles, model: ModelFiles, parameters: Mapping[str, Any]
    ) -> "Sources":
        """Read what the earlier stages left, as far as it is there."""
        sheets = (
            Picture(prepared.sheet, "From file to model input", "A few images after each step of the preparation."),
            Picture(split.sheet, "The most alike images of different parts", "The closer a pair, the likelier a leak."),
        )
        fingerprint = read_json(model.fingerprint) if model.fingerprint.exists() else {}
        audit = read_json(split.audit) if split.audit.exists() else {}
        return cls(
            audit,
            str(fingerprint.get("sha256", "")),
            parameters,
            tuple(sheet for sheet in sheets if sheet.path.exists()),
            tuple(read_losses(raw.left_out if raw else None, prepared)),
        )


def write(
    path: Path,
    results: Results,
    images: list[Image],
    table: list[ClassScores],
    pictures: list[Picture],
    sources: Sources,
    layers: Sequence[Layer] = (),
) -> None:
    """Write the page, pictures inside it; the same results give the same bytes."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    lines = list(score_lines(results))
    headline_names = [BY_NAME[key].label for key in HEADLINES]
    page = template.render(
        title=_title(results),
        subtitle=_subtitle(results),
        basis=_basis(results),
        confidence=f"{100 * results.rules.confidence:g} %",
        headlines=[line for name in headline_names for line in lines if line.name == name],
        lines=lines,
        table_note=_table_note(results),
        class_rows=class_rows(results),
        class_columns=[BY_NAME[key].label for key in PER_CLASS],
        classification=classification_rows(table),
        notices=notices(sources.audit, results, sources.losses),
        words=WORDS,
        grouped=results.test.grouped,
        scaling=_scaling(results),
        scaling_rows=list(_scaling_rows(results)),
        threshold=results.threshold is not None,
        parts=PARTS,
        split=list(_split(images, results.test.classes)),
        pictures=[_embed(picture) for picture in (*pictures, *sources.sheets)],
        layers=[(layer.name, [layer.kind, layer.output, f"{layer.parameters:,}"]) for layer in layers],
        weights=f"{sum(layer.parameters for layer in layers):,}",
        fingerprint=sources.fingerprint,
        parameters=[(key, _text(value)) for key, value in nested.flat(sources.parameters)],
    )
    write_text(path, page)


def _title(results: Results) -> str:
    classes = results.test.classes
    return f"{classes[1]} or {classes[0]}" if results.test.binary else ", ".join(classes)


def _subtitle(results: Results) -> str:
    groups = (
        f" of {results.test.group_count} groups (patients, slides or source images)" if results.test.grouped else ""
    )
    return f"How well a model classifies {results.test.size} test images{groups} that it never saw."


def _basis(results: Results) -> str:
    unit = "groups" if results.test.grouped else "images"
    intervals = f"Intervals: {results.rules.resamples} resamples of whole {unit}."
    if results.threshold is None:
        return f"The predicted class is the most probable one. {intervals}"
    rule = RULES.get(results.threshold.rule)
    reason = f", where {rule.largest} is largest on val" if rule else ""
    positive = results.test.classes[1]
    return f"{positive} is predicted from a probability of {results.threshold.value:.3f} on{reason}. {intervals}"


def _table_note(results: Results) -> str:
    note = f"Over {results.test.size} test images."
    if not results.test.binary:
        note += " Precision, sensitivity, specificity, F1, ROC AUC and average precision are means over the classes."
    if results.by_group is not None:
        score = f"{number(results.by_group.value)} ({interval(results.by_group)})"
        note += f" By group, from the mean probability of each, the ROC AUC is {score}."
    return note


def _scaling(results: Results) -> str:
    temperature, note = results.scaling.temperature, results.scaling.note
    if note:
        return f"Probabilities are left as they are: {note}."
    return (
        f"Logits divided by the temperature {temperature:.3f}, which is fitted on val and lowers the log loss of those "
        "of its images that it was not fitted on. The bundle answers so, unless export.calibrate is none; all other "
        "scores and figures are those of the model itself, and no decision changes."
    )


def _scaling_rows(results: Results) -> Iterator[tuple[str, list[str]]]:
    for part, before in results.scaling.before.items():
        for name, value in before.items():
            after = number(results.scaling.after[part][name])
            yield BY_NAME[name].label, [part, number(value), *([] if results.scaling.note else [after])]


def _split(images: list[Image], classes: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    counts = count(images)
    for name in classes:
        cells = [counts.get((part, name), (0, 0)) for part in PARTS]
        yield name, [f"{size} ({groups})" if groups else str(size) for size, groups in cells]
    totals = [[image for image in images if image.part == part] for part in PARTS]
    sizes = [(len(part), len({image.group for image in part if image.group})) for part in totals]
    yield "all", [f"{size} ({groups})" if groups else str(size) for size, groups in sizes]


def _embed(picture: Picture) -> dict[str, Any]:
    data = picture.path.read_bytes()
    with Pillow.open(picture.path) as image:
        width, height = image.size
    return {
        "title": picture.title,
        "caption": picture.caption,
        "alt": f"{picture.title}. {picture.caption}",
        "data": base64.b64encode(data).decode("ascii"),
        "width": width,
        "height": height,
        "broad": width > BROAD * height or width > BROAD_PIXELS,
    }


def score_lines(results: Results) -> Iterator[Line]:
    """Write every overall score, in a fixed order."""
    for metric in METRICS:
        if metric.name == "calibration_error":
            error = number(results.calibration if isfinite(results.calibration) else None)
            yield Line(metric.label, metric.meaning, error, NOTHING, NOTHING)
            continue
        score = results.estimates.scores.get((metric.name,))
        val = number(results.val_values.get((metric.name,)))
        yield Line(metric.label, metric.meaning, number(score.value if score else None), interval(score), val)


def class_rows(results: Results) -> list[tuple[str, list[str]]]:
    """Write a row of scores with intervals for every class, one against the rest, where there are more than two."""
    if results.test.binary:
        return []
    scores = results.estimates.scores
    return [(name, [_cell(scores.get(("classes", name, key))) for key in PER_CLASS]) for name in results.test.classes]


def classification_rows(table: list[ClassScores]) -> list[tuple[str, list[str]]]:
    """Write the lines of the classification report: name, then precision, recall, F1 and support."""
    return [
        (line.name, [*(number(value if isfinite(value) else None) for value in line[1:4]), str(line.support)])
        for line in table
    ]


def number(value: float | None) -> str:
    """Write a score with three decimals, from the six that metrics.json has.

    >>> number(0.87654), number(None)
    ('0.877', '-')
    """
    return NOTHING if value is None else f"{round(value, DECIMALS):.3f}"


def interval(score: Estimate | None) -> str:
    """Write the interval of a score.

    >>> interval(Estimate(0.5, 0.4, 0.6)), interval(Estimate(0.5, None, None))
    ('0.400 to 0.600', '-')
    """
    if score is None or score.low is None or score.high is None:
        return NOTHING
    return f"{number(score.low)} to {number(score.high)}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(score: Estimate | None) -> str:
    bounds = interval(score)
    return number(score.value if score else None) + (f" ({bounds})" if bounds != NOTHING else "")
