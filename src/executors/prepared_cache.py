"""Prepared images for trials whose preprocess section differs from the one that build/prepared was made with."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock
from pydantic import ValidationError

from src import images, preprocess
from src.config import Params, Preprocess, load
from src.core import files, partition, paths, yaml_file
from src.core.errors import AssayError
from src.core.partition import FITTED
from src.executors.overrides import canonical, preprocessing
from src.images.limits import UnreadableError
from src.images.pixels import Pixels
from src.images.store import packing, table
from src.images.worker_threads import ordered
from src.preprocess.pipeline import Chain, compose
from src.preprocess.stage import prepare_one

log = logging.getLogger(__name__)
FOLDER = Path("build/tuning/variants")
LOCK = Path("dvc.lock")
REJECTED_COLUMNS = ("path", "label", "reason")
Signature = tuple[tuple[str, int, int], ...]


class StoredImage(NamedTuple):
    """A row of the pipeline's store; its part is "" if it has none."""

    path: str
    label: str
    part: str


class PreparedData(NamedTuple):
    """What the stages before training wrote, or a variant of it, and the raw images that it was made of."""

    raw: Path
    prepared: paths.Prepared
    split: paths.SplitFiles

    @classmethod
    def at(cls, home: Path, folder: Path) -> "PreparedData":
        prepared, split = (folder / room.folder.name for room in (paths.PREPARED, paths.SPLIT))
        return cls(home / paths.RAW.folder, paths.Prepared(prepared), paths.SplitFiles(split))


def prepared(params: Params, home: Path) -> tuple[paths.Prepared, paths.SplitFiles]:
    """Return the images and parts that a training with these parameters reads: the pipeline's own, or a variant.

    A variant is made by the first process that needs it, while others wait, and is kept. Its rows are those of the
    pipeline's store, so that each has the same part and the same random changes. Rows of test stay black, and rows
    that cannot be prepared are in no part.

    Raises:
        AssayError: an input is missing, the steps do not fit, or too many images are rejected.
    """
    own = PreparedData.at(home, home / paths.PREPARED.folder.parent)
    if preprocessing(params.preprocess) == preprocessing(_section_of_pipeline(home)):
        return own.prepared, own.split
    folder = home / FOLDER / _name(params.preprocess, own)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _make(folder, home, own, params.preprocess, params.train.threads)
    return PreparedData.at(home, folder)[1:]


def signature(*wanted: Path) -> Signature:
    """Return what changes when one of the files is written again.

    Raises:
        AssayError: a file is missing.
    """
    try:
        return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in wanted)
    except FileNotFoundError as error:
        raise AssayError(f"{error.filename}: not found; run the stage that writes it with `dvc repro`") from error


def _section_of_pipeline(home: Path) -> Preprocess:
    """Return what build/prepared was made with: DVC's record, since params.yaml may have been edited meanwhile."""
    lock = home / LOCK
    recorded = _recorded(*signature(lock)) if lock.is_file() else None
    return recorded or load(home / paths.PARAMS).preprocess


@lru_cache(maxsize=1)
def _recorded(lock: tuple[str, int, int]) -> Preprocess | None:
    content = yaml_file.read(Path(lock[0])) or {}
    params = content.get("stages", {}).get("preprocess", {}).get("params", {}).get(str(paths.PARAMS), {})
    try:
        return Preprocess.model_validate(params.get("preprocess"))
    except ValidationError:
        return None  # no record, or one of other code


def _name(section: Preprocess, own: PreparedData) -> str:
    wanted = signature(own.prepared.index, own.split.parts)
    parts = canonical(preprocessing(section)), _digest_of_code(), _digest_of_images(own, wanted)
    return files.digest_of("\n".join(parts))[:32]


@lru_cache(maxsize=1)
def _digest_of_code() -> str:
    """Hash the code that prepares images, since an edited step makes other images of the same parameters."""
    rooms = (Path(str(package.__file__)).parent for package in (images, preprocess))
    return files.digest_of("".join(files.digest(path) for room in rooms for path in sorted(room.rglob("*.py"))))


@lru_cache(maxsize=1)
def _digest_of_images(own: PreparedData, _: Signature) -> str:
    """Hash the parts, and the files of the images that are in train and val."""
    hint = "run `dvc repro download`"
    images = [(row, image) for row, image in enumerate(_images(own)) if image.part in FITTED]
    hashed = [[row, *image, files.digest(own.raw / image.path, hint)] for row, image in images]
    return files.digest_of(canonical(hashed))


def _images(own: PreparedData) -> list[StoredImage]:
    lines = files.read_csv(own.prepared.index, ("path", "label"))
    part_of = {place.row: place.part for place in partition.read(own.split.parts, len(lines))}
    return [StoredImage(line["path"], line["label"], part_of.get(row, "")) for row, line in enumerate(lines)]


def _make(folder: Path, home: Path, own: PreparedData, section: Preprocess, threads: int) -> None:
    images, chain = _images(own), compose(section)
    log.info("preparing %d images for other values of preprocess", sum(image.part in FITTED for image in images))
    with files.replacing(folder) as temporary:
        place = PreparedData.at(home, temporary)
        place.prepared.folder.mkdir(parents=True)
        place.split.folder.mkdir()
        rejected = _pack(place, chain, images, threads)
        _check(rejected, images, section)
        with (
            table(place.prepared.index, ("path", "label")) as add_row,
            table(place.split.parts, ("row", "part")) as add_part,
            table(place.prepared.rejected, REJECTED_COLUMNS) as add_rejected,
        ):
            for row, image in enumerate(images):
                add_row((image.path, image.label))
                if row in rejected:
                    add_rejected((image.path, image.label, rejected[row]))
                elif image.part in FITTED:
                    add_part((row, image.part))


def _pack(place: PreparedData, chain: Chain, images: Sequence[StoredImage], threads: int) -> dict[int, str]:
    """Write a row for every image, black where there is none; give the reasons of the rejected ones by row."""
    rejected: dict[int, str] = {}
    black = np.zeros(chain.shape, np.uint8)

    def work(image: StoredImage) -> Pixels | str:
        if image.part not in FITTED:  # images of test are not even read
            return black
        try:
            return prepare_one(place.raw / image.path, chain).image
        except UnreadableError as error:
            return str(error)

    with packing(place.prepared.images, chain.shape) as add:
        for row, result in enumerate(ordered(work, images, threads)):
            if isinstance(result, str):
                rejected[row] = result
            add(black if isinstance(result, str) else result)
    return rejected


def _check(rejected: dict[int, str], images: Sequence[StoredImage], section: Preprocess) -> None:
    total = sum(image.part in FITTED for image in images)
    if len(rejected) > section.max_rejected * total:
        row, reason = next(iter(rejected.items()))
        raise AssayError(
            f"{len(rejected)} of {total} images rejected, expected at most {section.max_rejected:.1%} "
            f"(preprocess.max_rejected); the first is {images[row].path}: {reason}"
        )
