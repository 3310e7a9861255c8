"""report.html: one page that holds everything, to be read by people."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from PIL import Image as Pillow

from src.core import nested
from src.core.files import read_json, write_text
from src.core.partition import PARTS
from src.core.paths import ModelFiles, Prepared, ProbeFiles, Raw, SplitFiles
from src.evaluate.gallery import Picture
from src.evaluate.inputs import Image, count, read_losses
from src.evaluate.report_warnings import WORDS, Notice
from src.evaluate.results import DECIMALS, ClassScores, Results
from src.metrics.bootstrap import Estimate
from src.metrics.scores import BY_NAME, METRICS, PER_CLASS
from src.metrics.threshold import RULES

TEMPLATE = Path(__file__).with_name("report.html.j2")
BROAD = 1.7  # pictures wider than this for their height, or than this in pixels, take the whole page
BROAD_PIXELS = 800
HEADLINES = ("auc", "sensitivity", "specificity", "f1")
NOTHING = "-"
COMPARED = ("auc", "accuracy")
SIMPLER = {
    "probe": ("Probe", "a logistic regression on frozen features of a network that learned from photographs"),
    "neighbours": ("Neighbours", "the ten nearest images of train, by the same features"),
}


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
    probe: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        raw: Raw | None,
        prepared: Prepared,
        split: SplitFiles,
        model: ModelFiles,
        parameters: Mapping[str, Any],
        probe: ProbeFiles | None = None,
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
            read_json(probe.scores) if probe and probe.scores.exists() else {},
        )


def write(
    path: Path,
    results: Results,
    images: list[Image],
    table: list[ClassScores],
    pictures: list[Picture],
    sources: Sources,
    warnings: list[Notice],
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
        notices=warnings,
        comparison=list(comparison_rows(results, sources)),
        words=WORDS,
        grouped=results.test.grouped,
        threshold=results.threshold is not None,
        parts=PARTS,
        split=list(_split(images, results.test.classes)),
        pictures=[_embed(picture) for picture in (*pictures, *sources.sheets)],
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


def comparison_rows(results: Results, sources: Sources) -> Iterator[tuple[str, list[str], str]]:
    """Write a row for the model and for each simpler answer: its name, ROC AUC and accuracy, and what it is."""
    if not sources.probe:
        return
    own = [results.estimates.scores.get((name,)) for name in COMPARED]
    yield "This model", [_cell(score) for score in own], "trained on the images of train"
    for name, (label, meaning) in SIMPLER.items():
        found = sources.probe[name]
        yield label, [_cell(_estimate(found.get(score))) for score in COMPARED], meaning
    details = (sources.audit.get("details") or [{}])[0]
    official = sources.parameters.get("split", {}).get("folds") == "respect" and details.get("shortcut_official")
    if shortcut := official or details.get("shortcut"):
        auc = Estimate(shortcut["auc"], shortcut["low"], shortcut["high"])
        where = "the source's test part" if official else "new groups of all images"
        yield "Shortcut", [_cell(auc), NOTHING], f"a random forest on size and format of the files, on {where}"


def _estimate(found: Mapping[str, float] | None) -> Estimate | None:
    return Estimate(found["value"], found.get("low"), found.get("high")) if found else None


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
