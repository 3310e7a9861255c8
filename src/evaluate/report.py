"""report.html: one self-contained page for human readers; its text is in report.html.j2."""

import base64
import io
import re
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image as Pillow

from src.core import nested
from src.core.files import read_json, write_text
from src.core.partition import PARTS
from src.evaluate.gallery import Material, Picture
from src.evaluate.inputs import Image, Inputs, Losses, count, read_losses
from src.evaluate.report_warnings import WORDS, Notice
from src.evaluate.results import Results, classification
from src.metrics.bootstrap import DECIMALS, Estimate
from src.metrics.scores import BY_NAME, METRICS, PER_CLASS
from src.metrics.threshold import RULES

TEMPLATE = Path(__file__).with_name("report.html.j2")
BROAD = 1.7  # pictures with a larger ratio of width to height take the full width of the page
BROAD_PIXELS = 800  # and so do pictures wider than this
QUALITY = 85  # of WebP, which needs a fifth of the bytes of PNG; the exact pixels are in figures/
GLOSSARY: dict[str, str] = read_json(Path(__file__).with_name("glossary.json"))  # as in docs/glossary.md
HEADLINES = ("auc", "sensitivity", "specificity", "f1")
NOTHING = "-"
SIMPLER = {
    "probe": ("Probe", "a logistic regression on frozen features of a network that learned from photographs"),
    "neighbours": ("Neighbours", "the ten nearest images of train, by the same features"),
}


class Sources(NamedTuple):
    """What the report shows besides the results; fingerprint: of the training; pixels: the hash of its images."""

    audit: Mapping[str, Any]
    probe: Mapping[str, Any]
    losses: Losses
    sheets: list[Picture]
    fingerprint: str
    pixels: str


def read_sources(inputs: Inputs) -> Sources:
    """Read what the earlier stages wrote; missing files are skipped."""
    files = inputs.split.audit, inputs.probe.scores, inputs.model.fingerprint
    audit, probe, fingerprint = (read_json(path) if path.exists() else {} for path in files)
    prepared, pairs = inputs.prepared.sheet, inputs.split.sheet
    sheets = [
        Picture(prepared, "From file to model input", "A few images after each step of the preparation."),
        Picture(pairs, "The most alike images of different parts", "The closer a pair, the likelier a leak."),
    ]
    return Sources(
        audit,
        probe,
        read_losses(inputs.raw, inputs.prepared),
        [sheet for sheet in sheets if sheet.path.exists()],
        fingerprint.get("sha256", ""),
        fingerprint.get("data", {}).get(inputs.prepared.images.as_posix(), ""),
    )


def write(
    path: Path,
    material: Material,
    pictures: list[Picture],
    sources: Sources,
    warnings: list[Notice],
    parameters: Mapping[str, Any],
) -> None:
    """Write the page with its pictures embedded; the same results give the same bytes."""
    results = material.results
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"linked": linked, "number": number, "interval": interval, "cell": cell, "plain": plain}
    scores: dict[str, float | Estimate] = {
        metric.name: results.estimates.scores[(metric.name,)]
        for metric in METRICS
        if (metric.name,) in results.estimates.scores
    }
    if isfinite(results.calibration):
        scores["calibration_error"] = results.calibration
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        results=results,
        test=results.test,
        metrics=METRICS,
        labels={name: metric.label for name, metric in BY_NAME.items()},
        headlines=HEADLINES,
        per_class=PER_CLASS,
        scores=scores,
        rule=RULES.get(results.threshold.rule) if results.threshold else None,
        classification=classification(results.test.labels, results.decisions, results.test.classes),
        sources=sources,
        parameters=parameters,
        flat=nested.flat(parameters),
        notices=warnings,
        words=WORDS,
        comparison=list(comparison_rows(results, sources, parameters)),
        glossary=GLOSSARY,
        parts=PARTS,
        images=material.images,
        split=list(_split(material.images, results.test.classes)),
        pictures=[_embed(picture) for picture in (*pictures, *sources.sheets)],
        layers=material.layers,
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


def number(value: float | Estimate | None) -> str:
    """Format a score with three decimals, rounded from the six in metrics.json.

    >>> number(0.87654), number(None)
    ('0.877', '-')
    """
    found = value.value if isinstance(value, Estimate) else value
    return NOTHING if found is None or not isfinite(found) else f"{round(found, DECIMALS):.3f}"


def interval(score: float | Estimate | None) -> str:
    """Format the interval of a score.

    >>> interval(Estimate(0.5, 0.4, 0.6)), interval(Estimate(0.5, None, None))
    ('0.400 to 0.600', '-')
    """
    if not isinstance(score, Estimate) or score.low is None or score.high is None:
        return NOTHING
    return f"{number(score.low)} to {number(score.high)}"


def cell(score: Estimate | None) -> str:
    """Format a score with its interval for one cell of a table."""
    return score.text() if score else NOTHING


def plain(value: Any) -> str:
    """Format a value of params.yaml."""
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    named = {None: "none", True: "yes", False: "no"}
    if value is None or isinstance(value, bool):
        return named[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def comparison_rows(
    results: Results, sources: Sources, parameters: Mapping[str, Any]
) -> Iterator[tuple[str, list[Estimate | None], str]]:
    """Yield a row for the model and for each simpler answer: its name, ROC AUC and accuracy, and what it is."""
    if not sources.probe:
        return
    compared = ("auc", "accuracy")
    own = [results.estimates.scores.get((name,)) for name in compared]
    yield "This model", own, "trained on the images of train"
    for name, (label, meaning) in SIMPLER.items():
        scores = [sources.probe[name].get(score) for score in compared]
        yield label, [Estimate(**({"low": None, "high": None} | score)) if score else None for score in scores], meaning
    details = (sources.audit.get("details") or [{}])[0]
    official = parameters.get("split", {}).get("folds") == "respect" and details.get("shortcut_official")
    if shortcut := official or details.get("shortcut"):
        where = "the source's test part" if official else "new groups of all images"
        auc = Estimate(shortcut["auc"], shortcut["low"], shortcut["high"])
        yield "Shortcut", [auc, None], f"a random forest on size and format of the files, on {where}"


def _split(images: list[Image], classes: tuple[str, ...]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Count images and groups of each class in each part, then of all classes."""
    counts = count(images)
    for name in classes:
        yield name, [counts.get((part, name), (0, 0)) for part in PARTS]
    totals = [[image for image in images if image.part == part] for part in PARTS]
    yield "all", [(len(part), len({image.group for image in part if image.group})) for part in totals]


def _embed(picture: Picture) -> dict[str, Any]:
    """Return a picture for the template: title, caption, size, and its pixels as WebP in base64."""
    buffer = io.BytesIO()
    with Pillow.open(picture.path) as image:
        width, height = image.size
        image.convert("RGB").save(buffer, "WEBP", quality=QUALITY)
    shape = "broad" if width > BROAD * height else "broad square" if width > BROAD_PIXELS else "narrow"
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return {**picture._asdict(), "data": data, "width": width, "height": height, "shape": shape}
