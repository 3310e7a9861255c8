"""Predictions from a bundle, without TensorFlow: preprocessing steps, ONNX Runtime, temperature scaling."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from src.core.errors import AssayError
from src.evaluate.cam_overlay import normalize, overlay
from src.export import out_of_distribution
from src.export.bundle import Bundle
from src.images.limits import UnreadableError
from src.images.pixels import Pixels, is_dark_or_flat
from src.images.worker_threads import cores, ordered
from src.metrics.calibration import scaled
from src.metrics.predictions import Floats
from src.preprocess.pipeline import compose
from src.preprocess.rows import Kept, prepare_one

BATCH = 8  # images in a call of the network: more take no less time each, and threads wait for the last ones
PATCHES = 12  # of an occlusion map along each side of the image; each patch is twice as wide as their distance
COVERED = 36  # images in a call of the network for an occlusion map
SMALLEST = 1e-7  # probability, as its logarithm needs a floor
CAM = "cam"
UNLIKE, FLAT = "unlike", "flat"  # unlike the training images; nearly black or without contrast, as read


class Source(NamedTuple):
    """An image to predict: how it is called in the answer, and its file."""

    name: str
    path: Path


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read as an image, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Prediction:
    """The prediction for an image; `probability` is that of the positive class of two, otherwise that of `label`.

    probabilities: calibrated. uncalibrated: those of the network, as in predictions.csv. distance: from the training
    images; above 1, the image is flagged as unlike them. image: (H, W, C), as the network saw it.
    """

    name: str
    label: str
    probability: float
    threshold: float | None
    probabilities: dict[str, float]
    uncalibrated: dict[str, float]
    distance: float
    flags: tuple[str, ...]
    image: Pixels = field(repr=False, compare=False)
    maps: Floats | None = field(repr=False, compare=False)


class Predictor:
    """A bundle that is ready to predict; one thread per core prepares images and runs the network."""

    def __init__(self, bundle: Bundle) -> None:
        self.about = bundle.about
        self._chain = compose(bundle.about.preparation)
        self._session = _session(bundle)
        self.outputs = [output.name for output in self._session.get_outputs()]
        self._distances = out_of_distribution.measure(bundle.about.reference)

    def predict(self, path: str | Path) -> Prediction:
        """Predict one image.

        Raises:
            AssayError: the file cannot be read as an image.
        """
        found = next(self.predict_all([Source(str(path), Path(path))]))
        if isinstance(found, Unreadable):
            raise AssayError(f"{found.name}: {found.reason}")
        return found

    def predict_all(self, sources: Iterable[Source | Unreadable]) -> Iterator[Prediction | Unreadable]:
        """Predict images in order; each thread takes a small batch from file to prediction, so few are held at once.

        An entry that is already `Unreadable` is passed through in its place.
        """
        waiting = iter(sources)
        batches = iter(lambda: list(islice(waiting, BATCH)), [])
        return chain.from_iterable(ordered(self._answered, batches, cores()))

    def explain(self, prediction: Prediction, label: str | None = None) -> Pixels:
        """Return the image as the network saw it, (H, W, 3), under the heat map of a class (default: the predicted).

        Raises:
            AssayError: no class has this name.
        """
        return overlay(prediction.image, self.heat(prediction, label))

    def heat(self, prediction: Prediction, label: str | None = None) -> Floats:
        """Return how much each place of the image speaks for a class (default: the predicted one): (H, W) in [0, 1].

        This is a class activation map, or an occlusion map if the network has none.

        Raises:
            AssayError: no class has this name.
        """
        classes, label = self.about.classes, label or prediction.label
        if label not in classes:
            raise AssayError(f"expected one of the classes {', '.join(classes)}, found {label!r}")
        number = classes.index(label)
        if prediction.maps is not None:
            found = of_class(prediction.maps, number)
        else:
            found = occlusion(prediction.image, number, lambda images: self._network(images)[0])
        return normalize(found, (prediction.image.shape[0], prediction.image.shape[1]))

    def _answered(self, sources: list[Source | Unreadable]) -> list[Prediction | Unreadable]:
        prepared = [self._prepared(source) for source in sources]
        answers = iter(self._answers([each for each in prepared if isinstance(each, tuple)]))
        return [next(answers) if isinstance(each, tuple) else each for each in prepared]

    def _prepared(self, source: Source | Unreadable) -> tuple[str, Kept] | Unreadable:
        try:
            return source if isinstance(source, Unreadable) else (source.name, prepare_one(source.path, self._chain))
        except UnreadableError as error:
            return Unreadable(source.name, str(error))

    def _network(self, images: Pixels) -> tuple[Floats, dict[str, Any]]:
        """Return the uncalibrated probabilities (N, K) and all outputs of the network."""
        found = self._session.run(None, {self._session.get_inputs()[0].name: images.astype(np.float32)})
        outputs = dict(zip(self.outputs, found, strict=True))
        probabilities = outputs["probability"].astype(np.float64)
        if probabilities.shape[1] == 1:
            probabilities = np.hstack([1 - probabilities, probabilities])
        return probabilities, outputs

    def _answers(self, prepared: list[tuple[str, Kept]]) -> Iterator[Prediction]:
        if not prepared:
            return
        images = np.stack([kept.image for _, kept in prepared])
        raw, outputs = self._network(images)
        calibrated = scaled(raw, self.about.calibration.temperature)
        distances = self._distances(images, outputs["features"].astype(np.float64)).tolist()
        maps = outputs.get(CAM, [None] * len(prepared))
        for (name, kept), *found in zip(prepared, raw, calibrated, distances, maps, strict=True):
            yield self._answer(name, kept, *found)

    def _answer(
        self, name: str, kept: Kept, raw: Floats, calibrated: Floats, distance: float, maps: Floats | None
    ) -> Prediction:
        classes, threshold = self.about.classes, self.about.threshold
        chosen = int(calibrated.argmax()) if threshold is None else int(calibrated[1] >= threshold)
        flags = {UNLIKE: distance > 1, FLAT: is_dark_or_flat(kept.thumbnail)}
        return Prediction(
            name=name,
            label=classes[chosen],
            probability=float(calibrated[chosen if threshold is None else 1]),
            threshold=threshold,
            probabilities=dict(zip(classes, calibrated.tolist(), strict=True)),
            uncalibrated=dict(zip(classes, raw.tolist(), strict=True)),
            distance=distance,
            flags=tuple(flag for flag, raised in flags.items() if raised),
            image=kept.image,
            maps=maps,
        )


def _session(bundle: Bundle) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # each thread that prepares images runs the network itself
    options.log_severity_level = 3  # errors
    try:
        session = onnxruntime.InferenceSession(bundle.network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a dozen kinds
        reason = " ".join(str(error).split())
        raise AssayError(f"{bundle.where}: model.onnx: cannot be loaded by ONNX Runtime ({reason})") from error
    expected, found = bundle.about.network.shape, tuple(session.get_inputs()[0].shape[1:])
    if found != expected or bundle.about.preparation.shape != expected:
        raise AssayError(f"{bundle.where}: model.onnx: expected images of the shape {expected}, found {found}")
    return session


def of_class(maps: Floats, number: int) -> Floats:
    """Return the map (h, w) of a class from maps (h, w, K); two classes share one map, which speaks for the last."""
    chosen = maps[..., number] if maps.shape[-1] > 1 else maps[..., 0] * (1 if number == 1 else -1)
    return chosen.astype(np.float64)


def occlusion(image: Pixels, number: int, predict: Callable[[Pixels], Floats]) -> Floats:
    """Return how much the logit of a class drops (12, 12) when a place of the image (H, W, C) is covered.

    Zeiler and Fergus 2014, arXiv:1311.2901. The cover has the mean colour of the image. predict: returns probabilities
    (N, K) of images (N, H, W, C).
    """
    starts = np.arange(PATCHES)[:, None] + (-0.5, 1.5)
    rows, columns = (np.rint(starts * side / PATCHES).clip(0).astype(int) for side in image.shape[:2])
    stack = np.repeat(image[None], 1 + PATCHES**2, axis=0)
    for covered, ((top, bottom), (left, right)) in zip(stack[1:], product(rows, columns), strict=True):
        covered[top:bottom, left:right] = image.mean(axis=(0, 1)).round()
    batches = (stack[start : start + COVERED] for start in range(0, len(stack), COVERED))
    found = np.concatenate(list(ordered(predict, batches, cores())))
    chance = np.clip(found[:, number], SMALLEST, 1 - SMALLEST)
    logits = np.log(chance / (1 - chance))
    return np.asarray(logits[0] - logits[1:], dtype=np.float64).reshape(PATCHES, PATCHES)
