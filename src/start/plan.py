"""Decides the values of params.yaml for images as they were found, each with its reason."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from src.config import source_name
from src.core.errors import listed
from src.download.file_types import NO_IMAGE, LeftOut
from src.download.manifest import Entry, regroup
from src.start import groups
from src.start.pictures import Pictures

POSITIVE = """positive pos ill sick disease diseased malignant cancer carcinoma tumor tumour pneumonia covid abnormal
    infected parasitized lesion hemorrhage haemorrhage bleeding stroke fracture melanoma glaucoma retinopathy
    tuberculosis tb effusion nodule yes true 1"""
NEGATIVE = "negative neg normal healthy well benign control controls no non not without uninfected none clear false 0"
ILL, WELL = frozenset(POSITIVE.split()), frozenset(NEGATIVE.split())
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
SIDE, LEAST_SIDE, SMALL_SIDE = 150, 32, 64  # pixels
SQUARE = (0.8, 1.25)  # width by height
UNEQUAL = 1.5  # images of the most common class for one of the rarest
PARTS = {"split.train": 0.6, "split.val": 0.2, "split.test": 0.2}
EPOCHS = (15, 60, 60_000)  # fewest, most, and training images seen in all of them together
EPOCHS_OF_LEARNED = {"efficientnet_lite0": (7, 30, 11_000)}
MOST_FOR_TRANSFER = 20_000  # images: above it a network this large takes hours on two cores
FEW = 10  # images or groups of a class, below which a test part says little
SHOWN = 12  # classes
CT_STEPS = ["gray", "detail", "working_size", "stretch", "clahe", "crop", "resize"]


@dataclass(frozen=True)
class Reading:
    """The images with their labels; how they were read and where their groups come from, in words."""

    layout: str
    says: str
    entries: list[Entry]
    groups: str
    split_by: str = "group"
    question: str = ""


@dataclass(frozen=True)
class Decision:
    """A line of the plan: what is decided and why, the values of params.yaml; a question where it is only a guess."""

    topic: str
    says: str
    values: Mapping[str, Any] = field(default_factory=dict)
    question: str = ""


def make(
    source: str, reading: Reading, pictures: Pictures, left_out: Sequence[LeftOut], model: str | None = None
) -> list[Decision]:
    """Decide everything that depends on the data, about a dozen lines; `model` is one that was asked for."""
    entries, counts = reading.entries, Counter(entry.label for entry in reading.entries)
    layout = {"dataset.source": source, "dataset.layout": reading.layout}
    patients, grouped = _patients(reading)
    # Files that the user may miss, so neither junk of the operating system nor texts.
    rows = [row for row in left_out if row.kind != "junk" and row.reason != NO_IMAGE]
    missed = [f"{row.kind} {row.files} ({row.reason})" for row in rows]
    return [
        Decision("layout", f"{reading.layout}: {reading.says}", layout, reading.question),
        *([Decision("left out", listed(missed, SHOWN))] if missed else []),
        _classes(entries, counts),
        _positive(counts),
        patients,
        _folds(grouped),
        *_pixels(pictures),
        _balance(counts),
        *_model(pictures, len(entries), model),
        _experiment(source),
    ]


def _classes(entries: Sequence[Entry], counts: Counter[str]) -> Decision:
    units: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        units[entry.label].add(entry.group or entry.path)
    few = listed([label for label in sorted(units) if len(units[label]) < FEW], SHOWN)
    question = f"{few}: fewer than {FEW} images or patients, too few to test; join classes: dataset.merge"
    said = listed([f"{label} {count}" for label, count in sorted(counts.items())], SHOWN)
    return Decision("classes", said, question=question if few else "")


def _positive(counts: Counter[str]) -> Decision:
    """Choose the class that sensitivity is about: by what its name says, else the rarer one."""
    if len(counts) != 2:
        return Decision("positive", f"none, as there are {len(counts)} classes", {"dataset.positive": None})
    ill = [label for label in counts if meaning(label) > 0]
    well = [label for label in counts if meaning(label) < 0]
    if len(ill) == 1 or len(well) == 1:
        chosen = ill[0] if len(ill) == 1 else next(label for label in counts if label not in well)
        return Decision("positive", f"{chosen}, by the names of the two", {"dataset.positive": chosen})
    chosen = min(sorted(counts, reverse=True), key=lambda label: counts[label])
    why = "one of two equally common ones" if len(set(counts.values())) == 1 else "the rarer of the two"
    question = f"is {chosen} the class to detect? the names do not tell: dataset.positive"
    return Decision("positive", f"{chosen}, {why}", {"dataset.positive": chosen}, question)


def meaning(label: str) -> int:
    """Return whether a name means ill (1), well (-1) or neither (0).

    >>> meaning("CT_COVID"), meaning("CT_NonCOVID"), meaning("no_tumor"), meaning("notumor"), meaning("MONOCYTE")
    (1, -1, -1, -1, 0)
    """
    words = [word.lower() for word in WORD.findall(label)]
    denied = any(word.startswith(("no", "non", "un")) and re.sub("^(non|no|un)", "", word) in ILL for word in words)
    if denied or WELL.intersection(words):
        return -1
    return 1 if ILL.intersection(words) else 0


def _patients(reading: Reading) -> tuple[Decision, list[Entry]]:
    """Take the groups that came with the labels, else look for a pattern in the names; return the grouped entries."""
    entries = reading.entries
    count = len({entry.group for entry in entries} - {""})
    values: dict[str, Any] = {"split.by": reading.split_by, "dataset.group_pattern": None}
    question = ""
    if count:
        said = f"{count} groups, {reading.groups}; each stays in one part"
    elif reading.split_by == "lookalike":
        said = "not known in these data: copies of one image are found and kept together"
    elif found := groups.find(entries):
        shown = ", ".join(f"{name} -> {group}" for name, group in found.examples.items())
        said = f"{found.groups} groups by the file names, {shown}"
        question = "is that the patient? if not, dataset.group_pattern: null, or another pattern"
        values["dataset.group_pattern"] = found.pattern
        entries = regroup(entries, found.pattern, "")
    else:
        said = "not known: images of one patient may be in two parts, which makes scores too good"
        question = "do names or a table tell the patient? dataset.group_pattern, or a column patient in the table"
    return Decision("patients", said, values, question), entries


def _folds(entries: Sequence[Entry]) -> Decision:
    """Keep the parts of the source if they are complete and cut no group."""
    counts = Counter(entry.fold for entry in entries)
    shown = ", ".join(f"{fold or 'without'} {count}" for fold, count in sorted(counts.items()))
    own = ", ".join(f"{share:.0%} {part.removeprefix('split.')}" for part, share in PARTS.items())
    folds: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        folds[entry.group or entry.path].add(entry.fold)
    cut = sum(len(found) > 1 for found in folds.values())
    if set(counts) <= {""}:
        return Decision("split", f"{own}; the source has no parts of its own", PARTS | {"split.folds": "ignore"})
    if "" in counts or not counts["train"] or not counts["test"]:
        why = f"the source's parts are not complete ({shown})"
    elif cut:
        why = f"{cut} groups are in two of the source's parts ({shown})"
    else:
        made = "" if counts["val"] else "; val is made from train"
        return Decision("split", f"as the source's folders say: {shown}{made}", PARTS | {"split.folds": "respect"})
    return Decision("split", f"{own}; {why}, so they are not used", PARTS | {"split.folds": "ignore"})


def image_size(height: float, width: float) -> int | tuple[int, int]:
    """Choose the model's image size: about 150x150 pixels in the pictures' aspect ratio, small pictures as they are.

    >>> image_size(512, 512), image_size(240, 320), image_size(50, 50), image_size(28, 28)
    (150, (130, 174), 50, 32)
    """
    scale = min(1.0, SIDE / math.sqrt(height * width))
    if SQUARE[0] <= width / height <= SQUARE[1]:
        return max(LEAST_SIDE, round(scale * math.sqrt(height * width)))
    high, wide = (max(LEAST_SIDE, 2 * round(scale * side / 2)) for side in (height, width))
    return high, wide


def _pixels(pictures: Pictures) -> Iterator[Decision]:
    """Decide on colour, size and steps."""
    color = "rgb" if pictures.in_colour else "gray"
    said = f"{color}: {pictures.coloured.sum()} of {len(pictures.coloured)} sampled pictures have colour"
    yield Decision("color", said, {"preprocess.color": color})

    height, width = pictures.size
    square = math.sqrt(height * width)
    size = image_size(square, square) if pictures.mixed else image_size(height, width)
    said = f"{size}" if isinstance(size, int) else f"{size[0]} high, {size[1]} wide"
    said += f" pixels, as the pictures are about {width:.0f}x{height:.0f}{', of mixed shapes' * pictures.mixed}"
    yield Decision("size", said, {"preprocess.image_size": size if isinstance(size, int) else list(size)})

    low, high = pictures.shorter
    if pictures.dark_margins:
        steps = CT_STEPS
        said = "crop to the body and even contrast, as gray pictures with dark margins (CT) need it"
    else:
        steps = [*(["gray"] * (not pictures.in_colour)), *(["detail"] * pictures.varied), "resize"]
        evened = ", sharpness evened as sizes differ" * pictures.varied
        why = f"no crop, as most have no dark margins{evened} ({low:.0f} to {high:.0f} pixels)"
        said = f"{', '.join(steps)}; {why}"
    detail = int(min(SIDE, max(LEAST_SIDE, low)))
    yield Decision("steps", said, {"preprocess.steps": steps, "preprocess.detail": detail})


def _balance(counts: Counter[str]) -> Decision:
    ratio = max(counts.values()) / min(counts.values())
    if ratio < UNEQUAL:
        return Decision("balance", "none: the classes are of about one size", {"train.balance": "none"})
    return Decision("balance", f"weights: one class is {ratio:.1f} times another", {"train.balance": "weights"})


def _model(pictures: Pictures, images: int, asked: str | None) -> tuple[Decision, Decision]:
    """Choose the network and its epochs: pretrained weights, unless the pictures are small or too many."""
    small, question = min(pictures.size) < SMALL_SIDE, ""
    name, why = "efficientnet_lite0", "with weights learned from photographs, as most data sets are small"
    if small or images > MOST_FOR_TRANSFER:
        name, why = "compact_cnn", "which is fast, as the pictures are small or many"
    if pictures.told_by_brightness_alone():
        auc = pictures.brightness_auc()
        question = (
            f"brightness alone tells the classes (AUC {auc:.2f}): is it due to the disease, or to the camera? "
            "preprocess.steps"
        )
        if name == "compact_cnn":
            name, why = "dropout_cnn", "as brightness tells the classes, and compact_cnn removes it"
    if asked:
        name, why = asked, "as asked"
    stride = {} if name in EPOCHS_OF_LEARNED else {"model.stride": 1 if small else 2}
    least, most, seen = EPOCHS_OF_LEARNED.get(name, EPOCHS)
    epochs = round(min(most, max(least, seen / max(1, images * PARTS["split.train"]))))
    trained = {"train.epochs": epochs, "train.patience": epochs}
    return (
        Decision("model", f"{name}, {why}", {"model.name": name, **stride}, question),
        Decision("epochs", f"{epochs}, for {images:,} images", trained),
    )


def _experiment(source: str) -> Decision:
    name = re.sub(r"(\.(zip|tar|tgz|gz|bz2|xz))+$", "", source_name(source), flags=re.IGNORECASE)
    name = re.sub(r"\W+", "_", name).strip("_")[:60] or "own_images"
    return Decision("experiment", f"{name} in MLflow", {"track.experiment": name, "track.register": name})
