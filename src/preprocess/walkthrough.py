"""A picture of what the steps do to a few images: a row for each, a column for each step."""

from collections.abc import Iterator
from pathlib import Path

from src.core.paths import Raw
from src.images.contact_sheet import Cell, fit, write_sheet
from src.images.decode import read
from src.preprocess.pipeline import Chain, Frame

ROWS, MOST = 6, 12  # rows where there are few classes, and where there are many
SIDE = 180  # pixels of a cell


class Examples:
    """The first and the last path of each label: sorted neighbours are often slices of one patient."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._last: dict[str, str] = {}

    def see(self, path: str, label: str) -> None:
        """Note an image that was kept."""
        self._first.setdefault(label, path)
        self._last[label] = path

    def chosen(self) -> list[tuple[str, str]]:
        """Return (label, path) of six images, or of up to twelve labels, sorted, every label once before any twice."""
        pairs = dict.fromkeys([*self._first.items(), *self._last.items()])
        return sorted(list(pairs)[: min(max(ROWS, len(self._first)), MOST)])


def write_walkthrough(path: Path, raw: Raw, chain: Chain, examples: Examples) -> None:
    """Write the sheet as PNG."""
    rows = [list(_row(raw.folder / name, label, chain)) for label, name in examples.chosen()]
    write_sheet(path, rows, "From file to model, step by step", SIDE)


def _row(path: Path, label: str, chain: Chain) -> Iterator[Cell]:
    image, facts = read(path, chain.section.max_megapixels, keep_damaged=chain.section.damaged == "keep")
    # Small at once: the large images of all rows would take gigabytes together.
    yield Cell(fit(image, SIDE), f"{path.name}\n{label}\n{facts.format} {facts.width}x{facts.height}")
    frame = Frame(chain.section)
    for name, after in chain.trail(image, frame):
        size = f"{after.shape[1]}x{after.shape[0]}"
        place = f" from ({frame.box.left}, {frame.box.top})" if name == "crop" and frame.box else ""
        yield Cell(fit(after, SIDE), f"{name}\n{size}{place}")
