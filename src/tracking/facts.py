"""What the data of a run were: counts by part, where they came from, and how they were divided."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from src import yaml_reading
from src.files import read_csv
from src.params import Dataset, Split, source_name
from src.parts import PARTS


def split_name(split: Split) -> str:
    """Describe in a few words how the parts were made.

    >>> split_name(Split(train=0.5, val=0.1, test=0.4, by="group", folds="ignore", leaks="warn"))
    '50/10/40 by group'
    >>> split_name(Split(train=0.5, val=0.1, test=0.4, by="group", folds="respect", leaks="warn"))
    "source's test part, by group"
    """
    ratios = "/".join(f"{100 * part:g}" for part in (split.train, split.val, split.test))
    return f"source's test part, by {split.by}" if split.folds == "respect" else f"{ratios} by {split.by}"


def counts(parts: Path) -> dict[str, int]:
    """Count images and groups: keys images, train.images, train.groups, val.images, ...; 0 groups if none is known."""
    images: dict[str, int] = defaultdict(int)
    groups: dict[str, set[str]] = defaultdict(set)
    for row in read_csv(parts, ("part", "group")):
        images[row["part"]] += 1
        groups[row["part"]] |= {row["group"]} - {""}
    found = {"images": sum(images.values())}
    for part in PARTS:
        found |= {f"{part}.images": images[part], f"{part}.groups": len(groups[part])}
    return found


def describe(dataset: Dataset, split: Split, parts: Path) -> dict[str, str]:
    """Give the tags that say which data a run saw."""
    counted = {f"data.{key}": str(value) for key, value in counts(parts).items()}
    return {"data.name": source_name(dataset.source), "data.split": split_name(split), **counted}


def locked(lock: Path, stages: Collection[str]) -> dict[str, str]:
    """Give the hashes that dvc.lock knows of the outputs of some stages, as tags: ``dvc.build/model``."""
    if not lock.is_file():
        return {}
    known: Mapping[str, Any] = (yaml_reading.read(lock) or {}).get("stages", {})
    outs = [out for name, stage in known.items() if name in stages for out in stage.get("outs", [])]
    return {f"dvc.{out['path']}": str(out.get("md5") or out.get("hash", "")) for out in outs}
