"""CPU time an image and peak memory of download, preprocess, split, ten epochs of train's input, `dvc status`.

python -m benchmarks.growth [--images 1000 10000]: N generated images of 128 pixels a side; each part runs in a process
of its own, whose start is left out by a first run on a hundred images. The part `more` is preprocess once more, after a
hundredth of new images came to those that it prepared before.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import cv2
import numpy as np

from benchmarks._report import note, report
from src.config import load
from src.core.paths import Prepared, Raw, SplitFiles
from src.core.random_streams import stream

PARTS = ("download", "preprocess", "more", "split", "input", "status")
ROOT = Path(__file__).parent.parent
FEW, SIDE, GROWTH = 100, 128, 1.5
MB, MS, EPOCHS = 1024, 1000, 10
MORE = 0.1  # of the CPU time of all images
FLOOR = 0.1  # ms an image: below it one start differs from the next by more
GROUP = "^(?P<group>[^_]+)_"


def main() -> None:
    """Measure each part for each number of images, and compare the time an image of the largest with the smallest."""
    arguments = _arguments()
    if arguments.part:
        _work(arguments.part, arguments.folder)
        return
    found = {count: _measured(count) for count in (FEW, *arguments.images)}
    note("part: " + "; ".join(f"{count} images: CPU ms an image, peak MB" for count in arguments.images))
    rates = {part: [_rate(found, part, count) for count in arguments.images] for part in PARTS}
    for part in PARTS:
        cells = (f"{rate:.2f}, {found[n][part][1]:.0f}" for n, rate in zip(arguments.images, rates[part], strict=True))
        note(f"{part}: {'; '.join(cells)}")
    for part in PARTS:
        if part == "more":
            continue  # mostly the images that are prepared each time, whatever their number
        claim = f"{part}, CPU time an image, {arguments.images[-1]} images to {arguments.images[0]}"
        report(claim, max(rates[part][-1], FLOOR) / max(rates[part][0], FLOOR), at_most=GROWTH)
    shares = [found[arguments.images[-1]][part][0] for part in ("more", "preprocess")]
    claim = f"preprocess of {arguments.images[-1]} images after a hundredth came to them, CPU time against all anew"
    report(claim, shares[0] / shares[1], at_most=MORE)


def _rate(found: dict[int, dict[str, tuple[float, float]]], part: str, count: int) -> float:
    return (found[count][part][0] - found[FEW][part][0]) / (count - FEW) * MS


def _measured(count: int) -> dict[str, tuple[float, float]]:
    """Return CPU seconds and peak megabytes of each part."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        _draw(range(count), folder / "source")
        shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=lambda *_: ["cache", "tmp", "config.local"])
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        measured = {}
        for part in PARTS:
            own = [sys.executable, "-m", "benchmarks.growth", "--folder", name, "--part"]
            if part == "more":
                _draw(range(count, count + count // 100), folder / "source")
                _run([*own, "download"], ROOT)
            if part == "status":
                _run([sys.executable, "-m", "dvc", "add", "--quiet", "raw", "prepared"], folder)
            words = [sys.executable, "-m", "dvc", "status", "--quiet"] if part == "status" else [*own, part]
            measured[part] = _run(words, folder if part == "status" else ROOT)
            note(f"{count} images, {part}: {measured[part][0]:.1f} s of CPU, {measured[part][1]:.0f} MB")
        return measured


def _run(words: list[str], folder: Path) -> tuple[float, float]:
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        log.seek(0)
        if status:
            raise SystemExit(f"failed: {' '.join(words)}\n{log.read()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MB


def _work(part: str, folder: Path) -> None:
    """Run one part on what the ones before left in a folder."""
    params, raw, prepared = load(), Raw(folder / "raw"), Prepared(folder / "prepared")
    split = SplitFiles(folder / "split")
    if part == "download":
        from src.download.stage import run as download

        values = {
            "source": str(folder / "source"),
            "layout": "folders",
            "positive": None,
            "group_pattern": "^(?P<group>[^_]+)_",
        }
        download(params.dataset.model_copy(update=values), raw, folder)
    elif part in {"preprocess", "more"}:
        from src.preprocess.stage import run as preprocess

        preprocess(raw, prepared, params.preprocess, held=folder / "last")
    elif part == "split":
        from src.split.stage import run as divide

        divide(raw, prepared, split, params.split, params.seed)
    else:
        _epoch(prepared, split)


def _epoch(prepared: Prepared, split: SplitFiles) -> None:
    from src.train import data
    from src.train.data import Batches

    params, given = load(), data.load(prepared, split)
    batches = Batches(given.images, given.train, params.train.batch_size, params.train.threads)
    for epoch in range(EPOCHS):  # many, since TensorFlow's start differs from run to run by more than one takes
        for _ in batches.augmented(params.train.augment, params.seed, epoch):
            pass


def _draw(numbers: range, folder: Path) -> None:
    """Draw soft spots of two kinds, four of each group, as PNG."""
    for number in numbers:
        random = stream(0, "growth", number)
        kind = ("fine", "coarse")[number // 4 % 2]
        grain = random.normal(128, 60, (SIDE, SIDE)).clip(0, 255).astype(np.uint8)
        path = folder / kind / f"g{number // 4:06}_{number:07}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.GaussianBlur(grain, (0, 0), 2 if kind == "fine" else 4))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--part", choices=PARTS[:-1], help="this alone, on --folder: what the script itself runs")
    parser.add_argument("--folder", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
