"""Preprocessing against the sequential float loop of a notebook: the same steps, one PNG file per image.

python -m benchmarks.preprocess [--data FOLDER] [--images N] [--rounds N]
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._report import note, report
from src.config import load
from src.core.paths import Prepared, Raw
from src.core.random_streams import stream
from src.images.store import open_images, read_index
from src.preprocess.stage import run as prepare

RATIO, DIFFERENCE = 3.5, 0.2  # times the speed; grey levels on average
BLUE_GREEN_RED = np.array([0.114, 0.587, 0.299])  # ITU-R BT.601
SUFFIXES = {".png", ".jpg", ".jpeg"}
STEPS = ("gray", "working_size", "stretch", "clahe", "crop", "resize")
KNOWN = load().preprocess  # of params.yaml
CROP = KNOWN.crop.model_copy(update={"min_box": 0.0})
SECTION = KNOWN.model_copy(
    update={"image_size": 150, "color": "gray", "steps": STEPS, "crop": CROP, "max_rejected": 1.0}
)


def main() -> None:
    """Run both on the same files, in turns, and compare the best times and the pixels."""
    arguments = _arguments()
    with TemporaryDirectory() as folder:
        raw, prepared, peer = Raw(Path(folder, "raw")), Prepared(Path(folder, "prepared")), Path(folder, "peer")
        raw.folder.mkdir()
        files = _link(arguments.data, raw) if arguments.data else _draw(arguments.images, raw)
        raw.manifest.write_text("path,label,group,fold\n" + "".join(f'"{name}",x,,\n' for name in files), "utf-8")
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            theirs.append(_timed(lambda: float_loop([raw.folder / name for name in files], peer)))
            ours.append(_timed(lambda: prepare(raw, prepared, SECTION)))
        rates = [len(files) / min(times) for times in (theirs, ours)]
        note(f"{len(files)} images, a second: float loop {rates[0]:.0f}, packed {rates[1]:.0f}")
        difference = _difference(files, prepared, peer)
    claim = "packed against the float loop, mean difference in grey levels"
    if arguments.data:  # a resized image is rounded before CLAHE, which enlarges that and now and then tips a crop
        note(f"{claim}: {difference:.3g} (the mark is for images of the working size)")
    else:
        report(claim, difference, at_most=DIFFERENCE)
    report("packed against the float loop, times as fast", rates[1] / rates[0], at_least=RATIO)


def float_loop(files: list[Path], out: Path) -> None:
    """Do as a notebook does: one image after the other, float64 from the reading on, a PNG file each.

    OpenCV's CLAHE and contours want uint8, so it goes there and back.
    """
    out.mkdir(exist_ok=True)
    clahe = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8))
    for number, path in enumerate(files):
        image = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.float64) @ BLUE_GREEN_RED
        work = cv2.resize(image, (512, 512), interpolation=cv2.INTER_AREA)
        work = (work - work.min()) / (work.max() - work.min())
        left, top, right, bottom = _body(np.rint(work * 255).astype(np.uint8))
        equal = clahe.apply(np.rint(work * 255).astype(np.uint8)).astype(np.float64) / 255
        grows = right - left <= 150 and bottom - top <= 150
        kind = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
        small = cv2.resize(equal[top:bottom, left:right], (150, 150), interpolation=kind)
        cv2.imwrite(str(out / f"{number}.png"), np.rint(small * 255).astype(np.uint8))


def _body(image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    _, mask = cv2.threshold(cv2.blur(image, (3, 3)), 50, 255, cv2.THRESH_BINARY)
    boxes = []
    for contour in cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]:
        x, y, width, height = cv2.boundingRect(contour)
        strip = (width < 50 and height > 150) or (height < 50 and width > 150)
        if 200 < cv2.contourArea(contour) < image.size / 2 and not strip:
            boxes.append((x, y, x + width, y + height))
    if not boxes:
        return 0, 0, 512, 512
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _draw(count: int, raw: Raw) -> list[str]:
    """Draw bodies with lungs, vessels and noise, 512 pixels a side, as PNG."""
    for number in range(count):
        random = stream(0, "benchmark", number)
        image = np.zeros((512, 512), np.float32)
        width, height = (int(value) for value in random.integers(170, 230, 2))
        cv2.ellipse(image, (256, 256), (width, height), 0, 0, 360, 180.0, -1)
        for side in (-1, 1):
            cv2.ellipse(image, (256 + side * width // 2, 250), (width // 3, height // 2), 0, 0, 360, 40.0, -1)
        for x, y, radius in random.integers((100, 100, 1), (412, 412, 9), (60, 3)):
            cv2.circle(image, (int(x), int(y)), int(radius), 150.0, -1)
        grain = cv2.GaussianBlur(random.normal(0, 40, image.shape).astype(np.float32), (0, 0), 1.2)
        pixels = np.clip(cv2.GaussianBlur(image, (0, 0), 1.0) + grain * (image > 0), 0, 255).astype(np.uint8)
        cv2.imwrite(str(raw.folder / f"{number:05}.png"), pixels)
    return [f"{number:05}.png" for number in range(count)]


def _link(data: Path, raw: Raw) -> list[str]:
    found = sorted(path for path in data.rglob("*") if path.suffix.lower() in SUFFIXES)
    names = [f"{number:05}{path.suffix.lower()}" for number, path in enumerate(found)]
    for name, path in zip(names, found, strict=True):
        (raw.folder / name).symlink_to(path.resolve())
    return names


def _difference(files: list[str], prepared: Prepared, peer: Path) -> float:
    """Compare what both kept, by the file's name."""
    number = {name: position for position, name in enumerate(files)}
    images = open_images(prepared)
    means = []
    for image, name in zip(images, read_index(prepared)["path"], strict=True):
        theirs = cv2.imread(str(peer / f"{number[name]}.png"), cv2.IMREAD_GRAYSCALE)
        means.append(np.abs(image[..., 0].astype(np.float64) - theirs).mean())
    return float(np.mean(means))


def _timed(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="a folder of PNG and JPEG files; without it, drawn images")
    parser.add_argument("--images", type=int, default=400, help="how many to draw")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many turns counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
