"""Prepared images for trials whose preprocess section differs from the one that build/prepared was made with."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock
from pydantic import ValidationError

from src.config import Params, Preprocess, load
from src.config.overrides import canonical, preprocessing
from src.core import dvc_state, files, partition
from src.core.errors import AssayError
from src.core.partition import FITTED
from src.core.paths import PARAMS, PREPARED, RAW, SPLIT, Prepared, SplitFiles
from src.images.limits import UnreadableError
from src.images.pixels import Pixels
from src.images.store import packing, table
from src.images.worker_threads import ordered
from src.preprocess.pipeline import Chain, compose, settings
from src.preprocess.stage import Rejected, prepare_one

log = logging.getLogger(__name__)
FOLDER = Path("build/tuning/variants")
LENGTH = 32  # hexadecimal digits of a variant's name
Signature = tuple[tuple[str, int, int], ...]


class StoredImage(NamedTuple):
    """A row of the pipeline's store; its part is "" if it has none."""

    path: str
    label: str
    part: str


class Data(NamedTuple):
    """Prepared images and their parts: what the stages before training wrote, or a variant of it."""

    prepared: Prepared
    split: SplitFiles

    @classmethod
    def below(cls, folder: Path) -> "Data":
        return cls(Prepared(folder / PREPARED.folder.name), SplitFiles(folder / SPLIT.folder.name))


def prepared(params: Params, home: Path) -> Data:
    """Return the images and parts that a training with these parameters reads: the pipeline's own, or a variant.

    A variant is made by the first process that needs it, while others wait, and is kept. Its rows are those of the
    pipeline's store, so that each has the same part and the same random changes. Rows of test stay black, and rows
    that cannot be prepared are in no part.

    Raises:
        AssayError: an input is missing, the steps do not fit, or too many images are rejected.
    """
    own, raw = Data.below(home / PREPARED.folder.parent), home / RAW.folder
    if preprocessing(params.preprocess) == preprocessing(_section_of_pipeline(home)):
        return own
    code = files.digest(Path(__file__))
    about = settings(params.preprocess) + code + _digest_of_images(own, raw, signature(own))
    folder = home / FOLDER / files.digest_of(about)[:LENGTH]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _make(folder, raw, _images(own), params.preprocess, params.train.threads)
    return Data.below(folder)


def signature(data: Data) -> Signature:
    """Return what changes when images or parts are written again.

    Raises:
        AssayError: a file is missing.
    """
    wanted = (data.prepared.images, data.prepared.index, data.split.parts)
    try:
        return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in wanted)
    except FileNotFoundError as error:
        raise AssayError(f"{error.filename}: not found; run the stage that writes it with `dvc repro`") from error


def _section_of_pipeline(home: Path) -> Preprocess:
    """Return what build/prepared was made with: DVC's record, since params.yaml may have been edited meanwhile."""
    lock = home / dvc_state.LOCK
    return (lock.is_file() and _recorded(home, lock.stat().st_mtime_ns)) or load(home / PARAMS).preprocess


@lru_cache(maxsize=1)
def _recorded(home: Path, _: int) -> Preprocess | None:
    params = dvc_state.last_run("preprocess", home).get("params", {}).get(str(PARAMS), {})
    try:
        return Preprocess.model_validate(params.get("preprocess"))
    except ValidationError:
        return None  # no record, or one of other code


@lru_cache(maxsize=1)
def _digest_of_images(own: Data, raw: Path, _: Signature) -> str:
    """Hash the parts, and the files of the images that are in train and val."""
    hint = "run `dvc repro download`"
    fitted = [(row, image) for row, image in enumerate(_images(own)) if image.part in FITTED]
    return files.digest_of(canonical([[row, *image, files.digest(raw / image.path, hint)] for row, image in fitted]))


def _images(own: Data) -> list[StoredImage]:
    lines = files.read_csv(own.prepared.index, ("path", "label"))
    part_of = {place.row: place.part for place in partition.read(own.split.parts, len(lines))}
    return [StoredImage(line["path"], line["label"], part_of.get(row, "")) for row, line in enumerate(lines)]


def _make(folder: Path, raw: Path, images: Sequence[StoredImage], section: Preprocess, threads: int) -> None:
    total = sum(image.part in FITTED for image in images)
    log.info("preparing %d images for other values of preprocess", total)
    with files.replacing(folder) as temporary:
        place = Data.below(temporary)
        place.prepared.folder.mkdir(parents=True)
        place.split.folder.mkdir()
        rejected = _pack(place.prepared.images, raw, compose(section), images, threads)
        if len(rejected) > section.max_rejected * total:
            row, reason = next(iter(rejected.items()))
            raise AssayError(
                f"{len(rejected)} of {total} images rejected, expected at most {section.max_rejected:.1%} "
                f"(preprocess.max_rejected); the first is {images[row].path}: {reason}"
            )
        with (
            table(place.prepared.index, ("path", "label")) as add_row,
            table(place.split.parts, ("row", "part")) as add_part,
            table(place.prepared.rejected, Rejected._fields) as add_rejected,
        ):
            for row, image in enumerate(images):
                add_row((image.path, image.label))
                if row in rejected:
                    add_rejected((image.path, image.label, rejected[row]))
                elif image.part in FITTED:
                    add_part((row, image.part))


def _pack(out: Path, raw: Path, chain: Chain, images: Sequence[StoredImage], threads: int) -> dict[int, str]:
    """Write a row for every image, black where there is none; give the reasons of the rejected ones by row."""
    rejected: dict[int, str] = {}
    black = np.zeros(chain.shape, np.uint8)

    def work(image: StoredImage) -> Pixels | str:
        if image.part not in FITTED:  # images of test are not even read
            return black
        try:
            return prepare_one(raw / image.path, chain).image
        except UnreadableError as error:
            return str(error)

    with packing(out, chain.shape) as add:
        for row, result in enumerate(ordered(work, images, threads)):
            if isinstance(result, str):
                rejected[row] = result
            add(black if isinstance(result, str) else result)
    return rejected
