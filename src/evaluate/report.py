"""report.html: one page that holds everything, to be read by people."""

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image as Pillow

from src.core import nested
from src.core.files import read_json, write_text
from src.core.partition import PARTS
from src.core.paths import ModelFiles, Prepared, ProbeFiles, Raw, SplitFiles
from src.evaluate.gallery import Picture
from src.evaluate.inputs import Image, count, count_losses, read_losses
from src.evaluate.layers import Layer
from src.evaluate.report_warnings import WORDS, Notice
from src.evaluate.results import DECIMALS, ClassScores, Results
from src.metrics.bootstrap import Estimate
from src.metrics.scores import BY_NAME, METRICS, PER_CLASS
from src.metrics.threshold import RULES

TEMPLATE = Path(__file__).with_name("report.html.j2")
BROAD = 1.7  # pictures wider than this for their height, or than this in pixels, take the whole page
BROAD_PIXELS = 800
QUALITY = 85  # of WebP: a fifth of the bytes of PNG; the exact pixels are in figures/
GLOSSARY = {  # as in docs/glossary.md
    "group": (
        "Images that belong together: all images of one patient or slide, or all augmented copies of one source "
        "image. An image whose group is not known is a group of its own."
    ),
    "part": (
        "One of the three sets that a split makes: train, val and test. A fold is a set that the source of the "
        "data ships itself."
    ),
    "val": (
        "The validation part. The best epoch, the threshold and the winner of a search are chosen on it, so its "
        "scores are too good. Test is used once, at the end."
    ),
    "leak": (
        "Information about the test part that reaches the training: a patient in two parts, or the same image "
        "twice. Scores become too high."
    ),
    "shortcut": (
        "A property that tells the class without showing the disease: file format, image size, sharpness, a "
        "border, a letter."
    ),
    "probe": (
        "A logistic regression on the features of a network that learned from photographs and never saw these "
        "images. A training has to beat it to be worth its time."
    ),
    "threshold": "The probability from which an image counts as positive. It is chosen on val and used on test.",
    "interval": (
        "The range that a score would mostly fall into with other patients. It is computed by resampling whole "
        "groups (cluster bootstrap), at 95 % unless stated otherwise."
    ),
    "calibration": (
        "Whether probabilities can be taken literally: of the images given 0.8, about 80 % should be positive."
    ),
    "CAM": "Class activation map: a picture of the image regions that speak for the predicted class.",
    "fingerprint": (
        "The hash of everything that determines a result: code, data and parameters. It joins a DVC output to its "
        "MLflow run."
    ),
}
RUN = (  # the copy in MLflow has the run in its place
    "<!-- run -->with commit and time in MLflow's copy of this page (make ui); here they would make equal results "
    "differ<!-- /run -->"
)
GENERATED = "These are images of no person: the scores show that the pipeline works, and say nothing about a disease."
HEADLINES = ("auc", "sensitivity", "specificity", "f1")
NOTHING = "-"
SHORT = 12  # characters of a hash
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
    rejected: int = 0
    left_out: int = 0
    pixels: str = ""

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
            *count_losses(raw.left_out if raw else None, prepared),
            str(fingerprint.get("data", {}).get(prepared.images.as_posix(), "")),
        )


def write(
    path: Path,
    results: Results,
    images: list[Image],
    table: list[ClassScores],
    pictures: list[Picture],
    sources: Sources,
    warnings: list[Notice],
    layers: Sequence[Layer] = (),
) -> None:
    """Write the page, pictures inside it; the same results give the same bytes."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["linked"] = linked
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    lines = list(score_lines(results))
    headline_names = [BY_NAME[key].label for key in HEADLINES]
    page = template.render(
        title=_title(results),
        subtitle=_subtitle(results),
        generated=GENERATED if "generated samples" in _source(sources) else "",
        facts=list(_facts(images, sources)),
        run=Markup(RUN),
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
        glossary=GLOSSARY,
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


def linked(text: str) -> Markup:
    """Link the first use of each word of the glossary in a text.

    >>> linked("No groups are known. <b>")
    Markup('No <a href="#word-group">groups</a> are known. &lt;b&gt;')
    """
    page = str(escape(text))
    for word in GLOSSARY:
        page = re.sub(rf"\b({word}s?)\b", rf'<a href="#word-{word}">\1</a>', page, count=1)
    return Markup(page)


def _title(results: Results) -> str:
    classes = results.test.classes
    return f"{classes[1]} or {classes[0]}" if results.test.binary else ", ".join(classes)


def _subtitle(results: Results) -> str:
    groups = (
        f" of {results.test.group_count} groups (patients, slides or source images)" if results.test.grouped else ""
    )
    return f"How well a model classifies {results.test.size} test images{groups} that it never saw."


def _source(sources: Sources) -> str:
    return str(sources.parameters.get("dataset", {}).get("source", "unknown"))


def _facts(images: list[Image], sources: Sources) -> Iterator[tuple[str, str]]:
    """Name what a reader asks first; the hash of the pixels stands for a date, which files lose when copied."""
    yield "Data", _source(sources)
    yield "Images", f"{len(images)} used, {sources.rejected} rejected; files left out of the source: {sources.left_out}"
    yield "Model", str(sources.parameters.get("model", {}).get("name", "unknown"))
    yield (
        "Version",
        f"prepared images {sources.pixels[:SHORT] or 'unknown'} (sha256; files lose their date when copied)",
    )
    yield "Fingerprint", sources.fingerprint[:SHORT] or "unknown"


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
    buffer = io.BytesIO()
    with Pillow.open(picture.path) as image:
        width, height = image.size
        image.convert("RGB").save(buffer, "WEBP", quality=QUALITY)
    return {
        "title": picture.title,
        "caption": picture.caption,
        "alt": f"{picture.title}. {picture.caption}",
        "data": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "width": width,
        "height": height,
        "shape": "broad" if width > BROAD * height else "broad square" if width > BROAD_PIXELS else "narrow",
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
