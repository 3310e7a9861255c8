"""report.html: one page that holds everything, to be read by people."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from PIL import Image as Pillow

from src.evaluation import classification, wording
from src.evaluation.findings import Findings
from src.evaluation.gallery import Picture
from src.evaluation.metrics import PER_CLASS
from src.evaluation.remarks import remarks
from src.evaluation.tables import Image, count
from src.files import read_json, write_text
from src.parts import PARTS
from src.paths import Model, Prepared, Split

TEMPLATE = Path(__file__).with_name("report.html.j2")
WORDS = {"bad": "Danger:", "warn": "Warning:", "note": "Note:", "good": "Fine:"}
BROAD = 1.7  # pictures wider than this for their height, or than this in pixels, take the whole page
BROAD_PIXELS = 800


@dataclass(frozen=True)
class Sources:
    """What the report tells besides the findings."""

    audit: Mapping[str, Any]
    trace: str
    shown: Mapping[str, Any]
    sheets: tuple[Picture, ...]

    @classmethod
    def read(cls, prepared: Prepared, split: Split, model: Model, shown: Mapping[str, Any]) -> "Sources":
        """Read what the earlier stages left, as far as it is there."""
        sheets = (
            Picture(prepared.sheet, "From file to model input", "A few images after each step of the preparation."),
            Picture(split.sheet, "The most alike images of different parts", "The closer a pair, the likelier a leak."),
        )
        trace = read_json(model.trace) if model.trace.exists() else {}
        audit = read_json(split.audit) if split.audit.exists() else {}
        return cls(audit, str(trace.get("trace", "")), shown, tuple(sheet for sheet in sheets if sheet.path.exists()))


def write(
    path: Path,
    found: Findings,
    images: list[Image],
    table: list[classification.Line],
    pictures: list[Picture],
    sources: Sources,
) -> None:
    """Write the page, pictures inside it; the same findings give the same bytes."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    lines = list(wording.lines(found))
    headline_names = [wording.NAMES[key] for key in wording.HEADLINES]
    page = template.render(
        title=_title(found),
        subtitle=_subtitle(found),
        basis=_basis(found),
        confidence=f"{100 * found.rules.confidence:g} %",
        headlines=[line for name in headline_names for line in lines if line.name == name],
        lines=lines,
        table_note=_table_note(found),
        class_rows=wording.class_rows(found),
        class_columns=[wording.NAMES[key] for key in PER_CLASS],
        classification=wording.classification_rows(table),
        remarks=remarks(sources.audit, found),
        words=WORDS,
        grouped=found.test.grouped,
        threshold=found.threshold is not None,
        parts=PARTS,
        split=list(_split(images, found.test.classes)),
        pictures=[_embed(picture) for picture in (*pictures, *sources.sheets)],
        trace=sources.trace,
        parameters=[(key[0], value) for key, value in wording.flat(sources.shown)],
    )
    write_text(path, page)


def _title(found: Findings) -> str:
    classes = found.test.classes
    return f"{classes[1]} or {classes[0]}" if found.test.binary else ", ".join(classes)


def _subtitle(found: Findings) -> str:
    groups = f" of {found.test.group_count} groups (patients, slides or source images)" if found.test.grouped else ""
    return f"How well a model tells them apart on {found.test.size} test images{groups} that it never saw."


def _basis(found: Findings) -> str:
    unit = "groups" if found.test.grouped else "images"
    intervals = f"Intervals: {found.rules.resamples} resamples of whole {unit}."
    if found.threshold is None:
        return f"An image is taken for its most probable class. {intervals}"
    rules = {"youden": "sensitivity + specificity is largest", "f1": "F1 is largest"}
    reason = f", where {rules[found.threshold.rule]} on val" if found.threshold.rule in rules else ""
    positive = found.test.classes[1]
    return f"An image is taken for {positive} from a probability of {found.threshold.value:.3f} on{reason}. {intervals}"


def _table_note(found: Findings) -> str:
    note = f"Over {found.test.size} test images."
    if not found.test.binary:
        note += " Precision, sensitivity, specificity, F1, ROC AUC and average precision are means over the classes."
    if found.by_group is not None:
        score = f"{wording.number(found.by_group.value)} ({wording.interval(found.by_group)})"
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
