"""Masks: pictures of what was outlined in other pictures. They look like images, and would be counted as such."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

SUFFIX = re.compile(r"[_\- ](masks?|seg|segmentation|segmented)([_\- ]?\d+)?$", re.IGNORECASE)
MASK_FOLDER = re.compile(r"(?!(no|not|with|without)[_\- ])(.*[_\- ])?(masks?|segmentations?)$", re.IGNORECASE)
IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs"})
REASON = "a mask beside its image; dataset.masks: keep takes it as an image"


def find(images: Sequence[str]) -> frozenset[str]:
    """Find NAME_mask.png beside NAME.png, and folders called masks beside images that repeat half of its names."""
    stems: dict[str, set[str]] = defaultdict(set)
    for image in images:
        folder, stem = _split(image)
        stems[folder].add(stem)
    beside = {image for image in images if _without_suffix(_split(image)[1]) in stems[_split(image)[0]]}
    return frozenset(beside | set(_in_folders(images, stems)))


def _in_folders(images: Iterable[str], stems: dict[str, set[str]]) -> list[str]:
    """List the images in folders of masks: masks/ beside images/, with the same folders and names below."""
    matched: dict[tuple[str, str], list[bool]] = defaultdict(list)
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for image in images:
        parts = image.split("/")
        for place, part in enumerate(parts[:-1]):
            if MASK_FOLDER.fullmatch(part):
                above, below = parts[:place], parts[place + 1 : -1]
                stem = _split(image)[1]
                names = {stem, _without_suffix(stem)}
                originals = ["/".join([*above, name, *below]) for name in _spelled(IMAGE_FOLDERS)]
                key = ("/".join(above), part)
                matched[key].append(any(names & stems.get(folder, set()) for folder in originals))
                members[key].append(image)
                break
    return [image for key, found in matched.items() if 2 * sum(found) >= len(found) for image in members[key]]


def _spelled(names: Iterable[str]) -> list[str]:
    return [spelling for name in sorted(names) for spelling in (name, name.capitalize(), name.upper())]


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, PurePosixPath(name).stem


def _without_suffix(stem: str) -> str | None:
    short = SUFFIX.sub("", stem)
    return short if short != stem else None
