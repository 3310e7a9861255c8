"""What can be told of sample images without looking at shapes, and how well it tells the class."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.conftest import ROOT

COMMITTED = ROOT / "samples"
Pixels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float64]


def hashes(folder: Path, *suffixes: str) -> dict[str, str]:
    """Hash the files below a folder, or those of some suffixes."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "README.md")
    chosen = (path for path in files if not suffixes or path.suffix in suffixes)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in chosen}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def gray(path: Path) -> Pixels:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def file_facts(path: Path) -> list[float]:
    image = Image.open(path)
    area = image.width * image.height
    channels = len(image.getbands())
    return [image.width, image.height, channels, image.format == "PNG", path.stat().st_size / area]


def intensities(image: Pixels) -> Numbers:
    """Describe the whole image and its quadrants by mean, deviation, percentiles and a histogram of 32 bins."""
    quadrants = [part for half in np.array_split(image, 2) for part in np.array_split(half, 2, axis=1)]
    return np.concatenate([_describe(part) for part in [image, *quadrants]])


def colours(path: Path) -> Numbers:
    """Describe each channel of the whole image likewise."""
    return np.concatenate([_describe(channel) for channel in cv2.split(cv2.imread(str(path), cv2.IMREAD_COLOR))])


def told_by_facts(paths: Sequence[Path], truth: Sequence[str], groups: Sequence[str]) -> list[float]:
    """Score how well a forest tells the class from size, channels, format and bytes per pixel."""
    from sklearn.ensemble import RandomForestClassifier

    facts = np.array([file_facts(path) for path in paths])
    return held_out(lambda: RandomForestClassifier(50, min_samples_leaf=2, random_state=0), facts, truth, groups)


def told_by_statistics(
    statistics: Numbers, truth: Sequence[str], groups: Sequence[str], strength: float
) -> list[float]:
    """Score how well a linear model tells the class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = LogisticRegression(C=strength, max_iter=3000)
    return held_out(partial(make_pipeline, StandardScaler(), classifier), statistics, truth, groups)


def held_out(make: Callable[[], Any], features: Numbers, truth: Sequence[str], groups: Sequence[str]) -> list[float]:
    """Score by ROC AUC, of each class against the rest, for several ways to hold out 40 % of the groups."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupShuffleSplit

    labels = np.array(truth)
    scores = []
    for train, test in GroupShuffleSplit(12, test_size=0.4, random_state=0).split(features, labels, groups):
        classifier = make().fit(features[train], labels[train])
        found = classifier.predict_proba(features[test])
        each = [roc_auc_score(labels[test] == name, found[:, at]) for at, name in enumerate(classifier.classes_)]
        scores.append(float(np.mean(each)))
    return scores


def _describe(image: Pixels) -> Numbers:
    histogram = np.histogram(image, 32, (0, 256))[0] / image.size
    return np.concatenate(
        [[image.mean(), image.std()], np.percentile(image, [1, 5, 10, 25, 50, 75, 90, 95, 99]), histogram]
    )
