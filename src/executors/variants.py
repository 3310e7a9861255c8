"""Prepared images for trials whose preprocess section differs from the one that build/prepared was made with."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from pydantic import ValidationError

from src.config import Params, Preprocess, load
from src.config.overrides import canonical, preprocessing
from src.core import dvc_state, files, partition
from src.core.errors import AssayError
from src.core.partition import FITTED
from src.core.paths import PARAMS, PREPARED, RAW, SPLIT, VARIANTS, Prepared, Raw, SplitFiles
from src.preprocess import rows
from src.preprocess.earlier import SHORT, Earlier, settings, variants
from src.preprocess.pipeline import compose
from src.preprocess.rows import SOURCE

log = logging.getLogger(__name__)
Signature = tuple[tuple[str, int, int], ...]


class Data(NamedTuple):
    """Prepared images and their parts: what the stages before training wrote, or a variant of it."""

    prepared: Prepared
    split: SplitFiles

    @classmethod
    def below(cls, folder: Path) -> "Data":
        return cls(Prepared(folder / PREPARED.folder.name), SplitFiles(folder / SPLIT.folder.name))


def prepared(params: Params, home: Path) -> Data:
    """Return the images and parts that a training with these parameters reads: the pipeline's own, or a variant.

    A variant is made by the first process that needs it, while others wait, and is cached. Its rows are those of the
    pipeline's store, so that each has the same part and the same augmentation. Rows of test stay black, and rows
    that cannot be prepared are in no part.

    Raises:
        AssayError: an input is missing, the steps do not fit, or too many images are rejected.
    """
    own, raw = Data.below(home / PREPARED.folder.parent), Raw(home / RAW.folder)
    if preprocessing(params.preprocess) == preprocessing(_section_of_pipeline(home)):
        return own
    digests = settings(params.preprocess), _digest_of_images(own, raw, signature(own))
    folder = home / VARIANTS / "-".join(digest[:SHORT] for digest in digests)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _make(folder, raw, own, params.preprocess, params.train.threads)
    return Data.below(folder)


def signature(data: Data) -> Signature:
    """Return the paths, times and sizes of the files, which change when images or parts are written again.

    Raises:
        AssayError: a file is missing.
    """
    wanted = (data.prepared.images, data.prepared.index, data.split.parts)
    try:
        return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in wanted)
    except FileNotFoundError as error:
        raise AssayError(f"{error.filename}: not found; run the stage that writes it with `dvc repro`") from error


def _section_of_pipeline(home: Path) -> Preprocess:
    """Return the section that made build/prepared, if possible from dvc.lock: params.yaml may have changed since."""
    lock = home / dvc_state.LOCK
    return (lock.is_file() and _recorded(home, lock.stat().st_mtime_ns)) or load(home / PARAMS).preprocess


@lru_cache(maxsize=1)
def _recorded(home: Path, _: int) -> Preprocess | None:
    params = dvc_state.last_run("preprocess", home).get("params", {}).get(str(PARAMS), {})
    try:
        return Preprocess.model_validate(params.get("preprocess"))
    except ValidationError:
        return None  # no record, or one that other code wrote


@lru_cache(maxsize=1)
def _digest_of_images(own: Data, raw: Raw, _: Signature) -> str:
    """Hash the parts and the files of the images that are in train and val, and the code that chooses them."""
    lines, parts = _fitted(own)
    images: list[Any] = [files.digest(Path(__file__))]
    for row, part in parts.items():
        path, label = lines[row]["path"], lines[row]["label"]
        images.append([row, path, label, part, files.digest(raw.folder / path, "run `dvc repro download`")])
    return files.digest_of(canonical(images))


def _fitted(own: Data) -> tuple[list[dict[str, str]], dict[int, str]]:
    """Return the lines of the index, and the part of each row of train and val, in order."""
    lines = files.read_csv(own.prepared.index, SOURCE)
    places = sorted(partition.read(own.split.parts, len(lines)))
    return lines, {place.row: place.part for place in places if place.part in FITTED}


def _make(folder: Path, raw: Raw, own: Data, section: Preprocess, threads: int) -> None:
    lines, parts = _fitted(own)
    log.info("preparing %d images with other values of preprocess", len(parts))
    earlier = Earlier(variants(folder.parent, section), section)
    with files.replacing(folder) as temporary:
        place = Data.below(temporary)
        for each in place:
            each.folder.mkdir(parents=True)
        written = rows.write(raw, place.prepared, compose(section), lines, threads, earlier, only=parts)
        if found := rows.too_many(written.rejected, len(parts), section):
            first = next(iter(written.rejected.values()))
            raise AssayError(f"{found}; the first is {first.path}: {first.reason}")
        usable = ((row, part) for row, part in parts.items() if row not in written.rejected)
        files.write_csv(place.split.parts, ("row", "part"), usable)
        earlier.record(place.prepared, written.digests)
