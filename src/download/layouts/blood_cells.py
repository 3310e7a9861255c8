"""White blood cells of four classes: .../images/TRAIN/CLASS/image and .../images/TEST/CLASS/image.

Two folders are left out. dataset-master holds the original slides, whose boxes and labels.csv are for detection.
TEST_SIMPLE holds the same slides as TEST, which has them rotated and flipped: they would add nothing to the test part,
and would leak it in a split that ignores the source's folds.

Each image is an augmented copy of a slide, and no name says of which slide, so groups are not known.
"""

from collections import Counter

from src.core.errors import AssayError
from src.core.files import read_csv
from src.download.layouts import Known
from src.download.manifest import Entry, fold_of
from src.download.scan import Listing

KNOWN = Known("Blood Cells", frozenset({"EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"}), folds=True)
LEFT_OUT = frozenset({"TEST_SIMPLE", "JPEGImages"})


def read(files: Listing) -> list[Entry]:
    """Read label and fold from the two folders above each image.

    Raises:
        AssayError: there is no image below TRAIN/CLASS or TEST/CLASS, or one elsewhere, or labels.csv has no column
            Category.
    """
    found: list[Entry] = []
    for path in files.images:
        parts = path.split("/")
        if LEFT_OUT.intersection(parts):
            continue
        fold, label = ["", "", *parts[:-1]][-2:]
        if fold_of(fold) is None:
            raise AssayError(f"{files.where}: expected TRAIN/CLASS/image or TEST/CLASS/image, found {path}")
        found.append(Entry(path, label, fold=fold_of(fold) or ""))
    if not found:
        raise AssayError(
            f"{files.where}: expected TRAIN/CLASS/image and TEST/CLASS/image, found only {files.images[0]}"
        )
    files.notes.listed = listed(files)
    return found


def listed(files: Listing) -> Counter[str]:
    """Count the slides with exactly one cell by class, among them a fifth class that only labels.csv names."""
    tables = sorted(name for name in files.files if name.rpartition("/")[2] == "labels.csv")
    files.notes.tables.update(tables[:1])
    rows = read_csv(files.files[tables[0]], ("Category",)) if tables else []
    cells = [row["Category"].strip() for row in rows]
    return Counter(cell for cell in cells if cell and "," not in cell)
