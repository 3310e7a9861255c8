"""Prediction from a bundle against TensorFlow for one image, and against decoding alone for a folder.

python -m benchmarks.predict [--bundle FOLDER] [--model FILE] [--images N] [--rounds N]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from benchmarks._report import note, report
from src.core.paths import BUNDLE, MODEL
from src.core.random_streams import stream
from src.export import load
from src.export.predictor import Predictor, Source
from src.images.worker_threads import cores, ordered
from src.preprocess.pipeline import compose
from src.preprocess.rows import prepare_one

COLD, SHARE, FLOOR, WARM = 1.5, 0.1, 0.9, 5.0  # seconds; of TensorFlow's time; of the decoding's rate; milliseconds
TENSORFLOW = (  # as in Keras' guides
    "import sys; import numpy as np; import tensorflow as tf; network = tf.keras.models.load_model(sys.argv[1]); "
    "network.predict(np.zeros((1, *network.input_shape[1:]), np.float32), verbose=0)"
)


def main() -> None:
    """Measure in turns, and compare the best times."""
    arguments = _arguments()
    predictor = load(arguments.bundle)
    with TemporaryDirectory() as folder:
        images = _draw(arguments.images, Path(folder))
        ours, theirs, alone, whole, single = [], [], [], [], []
        for _ in range(arguments.rounds):
            command = ["-m", "src.predict", str(images[0].path), "--model", str(arguments.bundle)]
            ours.append(_started(*command))
            theirs.append(_started("-c", TENSORFLOW, str(arguments.model)))
            single.append(_warm(predictor, images[0]))
            alone.append(_prepared(predictor, images))
            whole.append(_predicted(predictor, images))
    cold, rates = min(ours), [len(images) / min(times) for times in (alone, whole)]
    note(f"first answer after {cold:.2f} s, with TensorFlow {min(theirs):.2f} s")
    note(f"{len(images)} images, a second: prepared {rates[0]:.0f}, predicted {rates[1]:.0f}")
    report("seconds to the first answer", cold, at_most=COLD)
    report("cold start against import TensorFlow, load, predict", cold / min(theirs), at_most=SHARE)
    report("milliseconds for one image more, its preparation aside", min(single), at_most=WARM)
    report("a folder against its preparation alone, images a second", rates[1] / rates[0], at_least=FLOOR)


def _started(*words: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - started


def _warm(predictor: Predictor, source: Source) -> float:
    """Return the milliseconds that an image takes beyond its preparation."""
    chain = compose(predictor.about.preparation)
    times = []
    for _ in range(20):
        started = time.perf_counter()
        prepare_one(source.path, chain)
        between = time.perf_counter()
        predictor.predict(source.path)
        times.append(time.perf_counter() - between - (between - started))
    return sorted(times)[len(times) // 2] * 1000


def _prepared(predictor: Predictor, images: list[Source]) -> float:
    chain = compose(predictor.about.preparation)
    started = time.perf_counter()
    for _ in ordered(lambda source: prepare_one(source.path, chain), images, cores()):
        pass
    return time.perf_counter() - started


def _predicted(predictor: Predictor, images: list[Source]) -> float:
    started = time.perf_counter()
    for _ in predictor.predict_all(images):
        pass
    return time.perf_counter() - started


def _draw(count: int, folder: Path) -> list[Source]:
    """Draw soft spots, 512 pixels a side, as PNG."""
    for number in range(count):
        grain = stream(0, "benchmark", number).normal(128, 60, (512, 512)).clip(0, 255).astype("uint8")
        cv2.imwrite(str(folder / f"{number:05}.png"), cv2.GaussianBlur(grain, (0, 0), 3))
    return [Source(path.name, path) for path in sorted(folder.glob("*.png"))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--bundle", type=Path, default=BUNDLE.folder)
    parser.add_argument("--model", type=Path, default=MODEL.model, help="the same network as Keras saved it")
    parser.add_argument("--images", type=int, default=300, help="how many to draw")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many turns counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
