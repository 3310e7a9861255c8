"""How well copies of known originals are found again, and whether the time per image stays the same.

python -m benchmarks.lookalike [--originals FOLDER] [--half first|second|all] [--count N] [--copies N]

Without a folder blood smears are drawn. Copies are turned by up to 180 degrees, mirrored, shifted by up to 0.2, zoomed
by 0.8 to 1.2 along each axis, filled in four ways, and saved as JPEG.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._report import note, report
from src.core.random_streams import stream
from src.images.decode import read
from src.images.pixels import Pixels
from src.split import lookalikes
from tools.samples.blood import draw
from tools.samples.blood_cells import KINDS

PRECISION, RECALL, GROWTH = 0.99, 0.95, 1.4
SUFFIXES = {".png", ".jpg", ".jpeg"}
FILLS = (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT, cv2.BORDER_REFLECT, cv2.BORDER_WRAP)


def main() -> None:
    """Make copies, look for them, compare with what is known, and do so again with half of them."""
    arguments = _arguments()
    with TemporaryDirectory() as folder:
        files, sources = _copies(arguments, Path(folder))
        half = len(files) // arguments.copies // 2 * arguments.copies
        lookalikes.find(files[: arguments.copies])  # loads what is loaded once
        small, _ = _timed(files[:half])
        large, found = _timed(files)
        told = _pairs(_groups(files, found))
        true = _pairs(sources)
        names = [path.stem.rpartition("-")[0] for path in files]
        for first, second in sorted({(names[one], names[two]) for one, two in told - true}):
            note(f"joined, though of two originals: {first} and {second}")
    note(
        f"{len(files)} images of {len(set(sources))} originals, {found.compared / len(files):.1f} comparisons an image"
    )
    each = [1000 * small / half, 1000 * large / len(files)]
    note(f"CPU milliseconds an image: {each[0]:.0f} of {half}, {each[1]:.0f} of {len(files)}")
    note(f"pairs: {len(true)} true, {len(told)} joined, {len(true & told)} of them true")
    report("precision of pairs", len(true & told) / max(len(told), 1), at_least=PRECISION)
    report("recall of pairs", len(true & told) / max(len(true), 1), at_least=RECALL)
    report("time per image, twice as many to half", each[1] / each[0], at_most=GROWTH)


def augmented(image: Pixels, random: np.random.Generator) -> Pixels:
    """Turn, mirror, shift and zoom an image (H, W[, 3]) as Keras' ImageDataGenerator does, about its middle."""
    height, width = image.shape[:2]
    angle = np.radians(random.uniform(-180, 180))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag(random.uniform(0.8, 1.2, 2)) @ np.diag(random.choice([-1.0, 1.0], 2))
    middle = np.array([width - 1, height - 1]) / 2
    offset = middle - matrix @ middle + random.uniform(-0.2, 0.2, 2) * (width, height)
    fill = FILLS[random.integers(len(FILLS))]
    warp = np.column_stack([matrix, offset])
    return np.asarray(cv2.warpAffine(image, warp, (width, height), borderMode=fill), dtype=np.uint8)


def _copies(arguments: argparse.Namespace, folder: Path) -> tuple[list[Path], NDArray[np.intp]]:
    files, sources = [], []
    for number, (name, image) in enumerate(_originals(arguments)):
        for copy in range(arguments.copies):
            random = stream(0, "benchmark", number, copy)
            path = folder / f"{name}-{copy}.jpg"
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(60, 95))]
            moved = augmented(image, random)
            cv2.imwrite(str(path), moved[..., ::-1] if moved.ndim == 3 else moved, quality)
            files.append(path)
            sources.append(number)
    return files, np.array(sources)


def _originals(arguments: argparse.Namespace) -> Iterator[tuple[str, Pixels]]:
    if arguments.originals is None:
        for number in range(arguments.count):
            yield f"{number:05}", draw(KINDS[number % len(KINDS)], stream(1, "benchmark", number))
        return
    found = sorted(path for path in arguments.originals.rglob("*") if path.suffix.lower() in SUFFIXES)
    chosen = {"first": found[::2], "second": found[1::2], "all": found}[arguments.half]
    for number, path in enumerate(chosen[: arguments.count]):
        image, _ = read(path, float("inf"))
        scale = min(1.0, 512 / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        yield f"{number:05} {path.stem}", np.asarray(small, dtype=np.uint8)


def _timed(files: list[Path]) -> tuple[float, lookalikes.Found]:
    """Measure the CPU time of all threads, which other work on the machine hardly changes."""
    started = time.process_time()
    found = lookalikes.find(files)
    return time.process_time() - started, found


def _groups(files: list[Path], found: lookalikes.Found) -> NDArray[np.str_]:
    paths = np.array([path.name for path in files])
    return lookalikes.join(np.full(len(files), ""), paths, found.links)


def _pairs(groups: NDArray[np.generic]) -> set[tuple[int, int]]:
    """List the pairs of images of one group."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(groups[order][1:] != groups[order][:-1]) + 1)
    return {pair for rows in members for pair in combinations(sorted(rows.tolist()), 2)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--originals", type=Path, help="a folder of PNG and JPEG files; without it, drawn blood smears")
    parser.add_argument("--half", choices=("first", "second", "all"), default="all", help="every second original")
    parser.add_argument("--count", type=int, default=60, help="how many originals at most")
    parser.add_argument("--copies", type=int, default=4, help="of each original")
    return parser.parse_args()


if __name__ == "__main__":
    main()
