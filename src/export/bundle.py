"""The bundle: a network as ONNX, bundle.json with everything needed to use it, and a model card for people."""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from src.config import Preprocess
from src.config.field_types import Section
from src.core.errors import AssayError, shortened
from src.core.files import CANNOT_UNZIP, markdown_table, write_text
from src.core.paths import BUNDLE
from src.evaluate.report_warnings import Notice
from src.metrics.scores import BY_NAME

FORMAT: Literal[1] = 1
MAX_BYTES = 2**31  # of a file in a zip; protobuf's limit for a network
HINT = "make one with `dvc repro export`, or name one with --model"
NUMBERS = re.compile(r"\[[\s\d.,e+-]+\]")
Positive = Annotated[float, Field(gt=0)]
TEMPLATE = Path(__file__).with_name("card.md.j2")
SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "f1", "log_loss", "brier")


class Network(Section):
    """The network: its name, the hash of its file, and the shape (H, W, C) of its input images."""

    name: str
    sha256: str
    shape: tuple[int, int, int]


class Data(Section):
    """What it was trained on: the name of the source, and the fingerprint of code, parameters and data."""

    name: str
    fingerprint: str


class Calibration(Section):
    """The temperature (1: none), why there is none, and errors on val and test before and after it, by score name."""

    method: Literal["temperature", "none"]
    temperature: Positive
    note: str = ""
    before: dict[str, dict[str, float]]
    after: dict[str, dict[str, float]]


class Reference(Section):
    """The distance from the training images beyond which an image is out-of-distribution.

    limit: the distance that 99 of 100 further images of the same source stay below. mean (F,) and directions (F, D):
    the distance is the root mean square of (features - mean) @ directions. flagged: the share of each part beyond the
    limit.
    """

    limit: Positive
    mean: list[float]
    directions: list[list[float]]
    flagged: dict[str, float]


class Description(Section):
    """The content of bundle.json; threshold: for the calibrated probability of the last of two classes.

    scores: of test, with intervals of this confidence. warnings: those that the report shows before the scores.
    """

    format: Literal[1]
    network: Network
    data: Data
    preparation: Preprocess
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    threshold: Annotated[float, Field(ge=0, le=1)] | None
    calibration: Calibration
    reference: Reference
    scores: dict[str, Any]
    confidence: float
    warnings: tuple[Notice, ...]

    @property
    def positive(self) -> str | None:
        """The class that the threshold is about, if there are two classes."""
        return self.classes[1] if len(self.classes) == 2 else None


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read: where from, what bundle.json says, and the bytes of model.onnx."""

    where: str
    about: Description
    network: bytes


def write(about: Description, path: Path) -> None:
    """Write bundle.json, each list of numbers on a line of its own."""
    text = json.dumps(about.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, NUMBERS.sub(lambda found: " ".join(found[0].split()), text) + "\n")


def read(path: Path) -> Bundle:
    """Read a bundle from its folder, or from a .zip of it.

    Raises:
        AssayError: there is no bundle, a file of it is missing or damaged, or its network is not the one described.
    """
    if path.is_dir():
        return _read(str(path), lambda name: (path / name).read_bytes())
    if not path.is_file():
        raise AssayError(f"{path}: expected a bundle, found nothing; {HINT}")
    if not zipfile.is_zipfile(path):
        raise AssayError(f"{path}: expected the folder or the .zip of a bundle, found another kind of file; {HINT}")
    with zipfile.ZipFile(path) as archive:
        return _read(str(path), lambda name: _member(archive, name))


def _read(where: str, content: Callable[[str], bytes]) -> Bundle:
    files = {}
    for name in (BUNDLE.description.name, BUNDLE.network.name):
        try:
            files[name] = content(name)
        except FileNotFoundError:
            raise AssayError(f"{where}: expected a bundle, found no {name} in it; {HINT}") from None
        except (OSError, zipfile.BadZipFile, *CANNOT_UNZIP) as error:
            raise AssayError(f"{where}: {name} cannot be read ({' '.join(str(error).split())})") from error
    described, network = files.values()
    about = _described(described, f"{where}: {BUNDLE.description.name}")
    found = hashlib.sha256(network).hexdigest()
    if found != about.network.sha256:
        expected = f"the network that bundle.json describes (sha256 {about.network.sha256[:12]}...)"
        raise AssayError(f"{where}: model.onnx: expected {expected}, found another ({found[:12]}...); {HINT}")
    return Bundle(where, about, network)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a file of a zip, from its top level or from a folder there."""
    infos = [info for info in archive.infolist() if re.fullmatch(rf"([^/]+/)?{re.escape(name)}", info.filename)]
    if not infos:
        raise FileNotFoundError(name)
    found = min(infos, key=lambda info: info.filename.count("/"))
    if found.file_size > MAX_BYTES:
        raise OSError(f"larger than {MAX_BYTES / 1e9:.0f} GB")
    return archive.read(found)


def _described(content: bytes, where: str) -> Description:
    try:
        return Description.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key, found = ".".join(map(str, first["loc"])), shortened(repr(first["input"]))
        if first["type"] == "json_invalid":
            problem = "expected JSON, found something else"
        elif key == "format":
            problem = f"expected the format {FORMAT}, found {found}"
        else:
            problem = f"{key}: {first['msg']}, found {found}"
        raise AssayError(f"{where}: {problem}; {HINT}") from None


def card(about: Description) -> str:
    """Return the card as Markdown: purpose, scores and limits of the network (Mitchell 2019)."""
    from jinja2 import Environment, StrictUndefined  # not needed to predict

    template = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    found = about.calibration
    columns = ("part", "score", "network", "calibrated")
    errors = [
        dict(zip(columns, (part, BY_NAME[name].label, f"{value:.4f}", f"{found.after[part][name]:.4f}"), strict=True))
        for part, before in found.before.items()
        for name, value in before.items()
    ]
    return template.render(about=about, scores=markdown_table(shown_scores(about)), errors=markdown_table(errors))


def shown_scores(about: Description) -> list[dict[str, str]]:
    """Return the scores that are shown, as rows of a table: score, value, interval."""
    rows = []
    for name in (name for name in SHOWN if name in about.scores):
        value, *interval = (f"{bound:.3f}" for bound in about.scores[name].values())
        rows.append({"score": BY_NAME[name].label, "value": value, "interval": " to ".join(interval) or "-"})
    return rows
