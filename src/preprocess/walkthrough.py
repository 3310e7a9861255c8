"""What the steps do: histograms of the levels before and after them, and a few images after each step."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from src.core.paths import Prepared, Raw
from src.images.contact_sheet import Cell, fit, write_sheet
from src.images.decode import Facts, read
from src.images.pixels import Pixels, is_dark_or_flat
from src.images.store import table
from src.preprocess.pipeline import Chain, Frame

LEVELS = 256
GRID = 40  # pixels on a side of the grid that is counted
MOST = 500  # images that are counted at most: more take time, and their mean is the same
CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}
Counts = NDArray[np.float32]
ROWS, MOST_ROWS = 6, 12  # rows of the sheet if there are few classes, and at most
SIDE = 180  # pixels of a cell
BINS, AXIS = 64, "its levels, 0 to 255"
INKS = {1: ((90, 90, 90),), 3: ((213, 94, 0), (0, 158, 115), (0, 114, 178))}  # of gray, or of red, green and blue


def levels(image: Pixels) -> Counts:
    """Return the histograms (C, 256) of the levels of the pixels on a grid of 40 by 40 over the image.

    image: uint8 (H, W), (H, W, 1) or (H, W, 3).
    """
    grid = cv2.resize(image, (GRID, GRID), interpolation=cv2.INTER_NEAREST).reshape(GRID, GRID, -1)
    counts = [cv2.calcHist([grid], [channel], None, [LEVELS], [0, LEVELS]) for channel in range(grid.shape[2])]
    return np.concatenate(counts, axis=None, dtype=np.float32).reshape(-1, LEVELS)


class Walkthrough:
    """Notes on the images of a run: the levels of some, examples of each label, and those that are dark or flat."""

    def __init__(self, chain: Chain, paths: Sequence[str]) -> None:
        """Choose the images whose levels are counted: all, or evenly every n-th."""
        self.counted = frozenset(paths[:: max(1, -(-len(paths) // MOST))])
        self.dark: list[str] = []
        self._chain, self._images = chain, 0
        channels = {"before": 1 if chain.gray else 3, "after": chain.shape[2]}
        self._sums = {stage: np.zeros((many, LEVELS)) for stage, many in channels.items()}
        self._first: dict[str, str] = {}  # path for each label; the last one too, since sorted neighbours
        self._last: dict[str, str] = {}  # are often slices of one patient

    def see(self, path: str, label: str, small: Pixels, found: tuple[Counts, Counts] | None = None) -> None:
        """Note an image by its thumbnail, and its levels before and after the steps; each image has the same weight."""
        self._first.setdefault(label, path)
        self._last[label] = path
        if is_dark_or_flat(small):
            self.dark.append(path)
        if found:
            self._images += 1
            for sums, counts in zip(self._sums.values(), found, strict=True):
                sums += counts  # a gray image counts for every channel

    def write(self, out: Prepared, raw: Raw) -> None:
        """Write the table and both sheets."""
        self.write_histograms(out.histograms)
        self.write_steps(out.sheet, raw)
        self.write_levels(out.levels, raw)

    def write_histograms(self, path: Path) -> None:
        """Write the share of pixels, one row per level: level, before_gray or before_red, ..., after_gray, ..."""
        means = {
            f"{stage}_{name}": sums[channel] / max(1, self._images) / GRID**2
            for stage, sums in self._sums.items()
            for channel, name in enumerate(CHANNELS[len(sums)])
        }
        with table(path, ("level", *means)) as add_row:
            for level, values in enumerate(zip(*means.values(), strict=True)):
                add_row((level, *(f"{value:.8f}" for value in values)))

    def write_steps(self, path: Path, raw: Raw) -> None:
        """Write a PNG of six images, or up to twelve labels, after each step; no label twice before all appear once."""
        pairs = dict.fromkeys([*self._first.items(), *self._last.items()])
        chosen = sorted(list(pairs)[: min(max(ROWS, len(self._first)), MOST_ROWS)])
        rows = [list(_row(raw.folder / name, label, self._chain)) for label, name in chosen]
        write_sheet(path, rows, "From file to model, step by step", SIDE)

    def write_levels(self, path: Path, raw: Raw) -> None:
        """Write a PNG with an image of each label beside its histogram, as obtained and as the model sees it."""
        rows = []
        for label, name in sorted(self._first.items())[:MOST_ROWS]:
            image, _ = _read(raw.folder / name, self._chain)
            after = self._chain(image).image
            pictures = (fit(image, SIDE), histogram(image), after, histogram(after))
            rows.append(list(map(Cell, pictures, (f"{Path(name).name}\n{label}", AXIS, "as the model sees it", AXIS))))
        write_sheet(path, rows, "", SIDE)


def histogram(image: Pixels) -> Pixels:
    """Draw the histogram of an image as (180, 180, 3): black at the left, one line for each channel.

    Heights are square roots of the counts, or else a black background would flatten the rest. Three equal channels are
    drawn as gray.
    """
    counts = levels(image).reshape(-1, BINS, LEVELS // BINS).sum(axis=2)
    heights = np.sqrt(counts[:1] if (counts == counts[0]).all() else counts)
    rows = np.rint((SIDE - 3) * (1 - heights / heights.max())).astype(np.int32) + 1
    columns = np.linspace(0, SIDE, BINS + 1).astype(np.int32)
    canvas = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for channel, ink in zip(rows, INKS[len(rows)], strict=True):
        steps = np.stack([np.repeat(columns, 2)[1:-1], np.repeat(channel, 2)], axis=1)
        cv2.polylines(canvas, [steps], False, ink, 2)
    return canvas


def _row(path: Path, label: str, chain: Chain) -> Iterator[Cell]:
    image, facts = _read(path, chain)
    # Shrunk at once: the large images of all rows together would take gigabytes.
    yield Cell(fit(image, SIDE), f"{path.name}\n{label}\n{facts.format} {facts.width}x{facts.height}")
    frame = Frame(chain.section)
    for name, after in chain.trail(image, frame):
        size = f"{after.shape[1]}x{after.shape[0]}"
        place = f" from ({frame.box.left}, {frame.box.top})" if name == "crop" and frame.box else ""
        yield Cell(fit(after, SIDE), f"{name}\n{size}{place}")


def _read(path: Path, chain: Chain) -> tuple[Pixels, Facts]:
    return read(path, chain.section.max_megapixels, keep_damaged=chain.section.damaged == "keep")
