"""What the steps do: how often each level occurs before and after them, and pictures of a few images on their way."""

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
GRID = 40  # of the grid of pixels that are counted, and images at most:
MOST = 500  # more take time, and over all images say the same
CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}
Counts = NDArray[np.float32]
ROWS, MOST_ROWS = 6, 12  # rows where there are few classes, and where there are many
SIDE = 180  # pixels of a cell
BINS, AXIS = 64, "its levels, 0 to 255"
INKS = {1: ((90, 90, 90),), 3: ((213, 94, 0), (0, 158, 115), (0, 114, 178))}  # of gray, or of red, green and blue


def levels(image: Pixels) -> Counts:
    """Count (C, 256) how often each level occurs among the pixels of a grid over the image: 40 by 40 of them.

    image: uint8 (H, W), (H, W, 1) or (H, W, 3).
    """
    grid = cv2.resize(image, (GRID, GRID), interpolation=cv2.INTER_NEAREST).reshape(GRID, GRID, -1)
    counts = [cv2.calcHist([grid], [channel], None, [LEVELS], [0, LEVELS]) for channel in range(grid.shape[2])]
    return np.concatenate(counts, axis=None, dtype=np.float32).reshape(-1, LEVELS)


class Walkthrough:
    """What is noted of the images that a run keeps: levels of some, examples of each label, which are dark or flat."""

    def __init__(self, chain: Chain, paths: Sequence[str]) -> None:
        """Choose the images whose levels are counted: all, or evenly every n-th."""
        self.counted = frozenset(paths[:: max(1, -(-len(paths) // MOST))])
        self.dark: list[str] = []
        self._chain, self._images = chain, 0
        channels = {"before": 1 if chain.gray else 3, "after": chain.shape[2]}
        self._sums = {stage: np.zeros((many, LEVELS)) for stage, many in channels.items()}
        self._first: dict[str, str] = {}  # path of each label; with the last one, since sorted neighbours
        self._last: dict[str, str] = {}  # are often slices of one patient

    def see(self, path: str, label: str, small: Pixels, found: tuple[Counts, Counts] | None = None) -> None:
        """Note an image, as it was read but small, and its levels before and after the steps; each counts alike."""
        self._first.setdefault(label, path)
        self._last[label] = path
        if is_dark_or_flat(small):
            self.dark.append(path)
        if found:
            self._images += 1
            for sums, counts in zip(self._sums.values(), found, strict=True):
                sums += counts  # an image in gray counts for each of the channels

    def write(self, out: Prepared, raw: Raw) -> None:
        """Write the table and both sheets."""
        self.write_histograms(out.histograms)
        self.write_steps(out.sheet, raw)
        self.write_levels(out.levels, raw)

    def write_histograms(self, path: Path) -> None:
        """Write shares of pixels, a row a level: level, before_gray or before_red, ..., after_gray or after_red, ..."""
        means = {
            f"{stage}_{name}": sums[channel] / max(1, self._images) / GRID**2
            for stage, sums in self._sums.items()
            for channel, name in enumerate(CHANNELS[len(sums)])
        }
        with table(path, ("level", *means)) as add_row:
            for level, values in enumerate(zip(*means.values(), strict=True)):
                add_row((level, *(f"{value:.8f}" for value in values)))

    def write_steps(self, path: Path, raw: Raw) -> None:
        """Write six images, or of up to twelve labels, every label once before any twice, after each step as PNG."""
        pairs = dict.fromkeys([*self._first.items(), *self._last.items()])
        chosen = sorted(list(pairs)[: min(max(ROWS, len(self._first)), MOST_ROWS)])
        rows = [list(_row(raw.folder / name, label, self._chain)) for label, name in chosen]
        write_sheet(path, rows, "From file to model, step by step", SIDE)

    def write_levels(self, path: Path, raw: Raw) -> None:
        """Write an image of each label beside its own histogram, as obtained and as the model sees it, as PNG."""
        rows = []
        for label, name in sorted(self._first.items())[:MOST_ROWS]:
            image, _ = _read(raw.folder / name, self._chain)
            after = self._chain(image).image
            pictures = (fit(image, SIDE), histogram(image), after, histogram(after))
            rows.append(list(map(Cell, pictures, (f"{Path(name).name}\n{label}", AXIS, "as the model sees it", AXIS))))
        write_sheet(path, rows, "", SIDE)


def histogram(image: Pixels) -> Pixels:
    """Draw (180, 180, 3) how often levels occur in an image: black ones to the left, a line for each channel.

    Heights grow with the square root: a black background would flatten all others. Three equal channels are gray.
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
    # Small at once: the large images of all rows would take gigabytes together.
    yield Cell(fit(image, SIDE), f"{path.name}\n{label}\n{facts.format} {facts.width}x{facts.height}")
    frame = Frame(chain.section)
    for name, after in chain.trail(image, frame):
        size = f"{after.shape[1]}x{after.shape[0]}"
        place = f" from ({frame.box.left}, {frame.box.top})" if name == "crop" and frame.box else ""
        yield Cell(fit(after, SIDE), f"{name}\n{size}{place}")


def _read(path: Path, chain: Chain) -> tuple[Pixels, Facts]:
    return read(path, chain.section.max_megapixels, keep_damaged=chain.section.damaged == "keep")
