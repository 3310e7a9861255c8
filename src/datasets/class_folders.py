"""Labels and folds from folders: CLASS/image, or the same below train, val and test folders."""

from src.datasets.entries import Entry, fold_of
from src.datasets.listing import Listing
from src.errors import AssayError

WITH_CLASS = 2
WITH_FOLD = 3


def read_class_folders(files: Listing) -> list[Entry]:
    """Read label and fold from the folders above each image.

    Raises:
        AssayError: images lie outside of class folders, deeper than these, or partly below fold folders.
    """
    parts = [tuple(image.split("/")) for image in files.images]
    folded = any(len(path) == WITH_FOLD and fold_of(path[0]) for path in parts)
    _refuse_misplaced(parts, WITH_FOLD if folded else WITH_CLASS, files.where)
    if folded:
        return [Entry("/".join(path), label=path[1], fold=fold_of(path[0]) or "") for path in parts]
    if all(fold_of(path[0]) for path in parts):
        raise AssayError(
            f"{files.where}: expected class folders below {', '.join(sorted({path[0] for path in parts}))}, "
            f"found images such as {'/'.join(parts[0])}"
        )
    return [Entry("/".join(path), label=path[0]) for path in parts]


def _refuse_misplaced(parts: list[tuple[str, ...]], depth: int, where: str) -> None:
    misplaced = [path for path in parts if len(path) != depth or (depth == WITH_FOLD and not fold_of(path[0]))]
    if misplaced:
        expected = "train|val|test/CLASS/image" if depth == WITH_FOLD else "CLASS/image"
        raise AssayError(
            f"{where}: expected {expected} for all {len(parts)} images, "
            f"found {len(misplaced)} elsewhere, such as {'/'.join(misplaced[0])}"
        )
