"""The stage export: from the trained and evaluated model to a bundle that predicts from a raw image."""

import logging
from typing import Any, Literal, NamedTuple

import numpy as np

from src.config import Export, Params, Preprocess, source_name
from src.config.sections import Flips
from src.core import files
from src.core.paths import Bundle, Evaluation, ModelFiles, Prepared, SplitFiles
from src.evaluate import inputs as tables
from src.evaluate.predict import check_shape, open_model
from src.export import bundle, out_of_distribution
from src.export.bundle import Calibration, Data, Description, Network
from src.images.store import open_images
from src.metrics.calibration import scaled
from src.metrics.predictions import group_codes

log = logging.getLogger(__name__)
SCORED = ("val", "test")


class Inputs(NamedTuple):
    """What the earlier stages wrote."""

    prepared: Prepared
    split: SplitFiles
    model: ModelFiles
    evaluation: Evaluation


class Setting(NamedTuple):
    """From params.yaml: the name of the source, the section preprocess, the seed, the threads of the training.

    confidence: of the intervals that evaluate computed. flips: the mirror images that probabilities are averaged over.
    """

    source: str
    preparation: Preprocess
    seed: int
    threads: int
    confidence: float
    flips: Flips

    @classmethod
    def of(cls, params: Params) -> "Setting":
        """Select what the bundle depends on."""
        return cls(
            source_name(params.dataset.source),
            params.preprocess,
            params.seed,
            params.train.threads,
            params.evaluate.confidence,
            params.evaluate.tta,
        )


def run(inputs: Inputs, out: Bundle, section: Export, setting: Setting) -> None:
    """Write the network as ONNX, bundle.json and the card.

    Raises:
        AssayError: an input is missing or does not belong to the others.
    """
    from src.export import network  # TensorFlow

    images = tables.read_images(inputs.prepared.index, inputs.split.parts)
    classes = tables.read_classes(inputs.model.classes)
    pixels, shape = open_images(inputs.prepared), setting.preparation.shape
    check_shape(inputs.prepared.images, pixels.shape[1:], shape)
    trained = open_model(inputs.model.model, shape, setting.seed, setting.threads)
    model = network.with_outputs(trained, setting.flips)
    rows = {
        part: np.array([image.row for image in images if image.part == part], np.int64) for part in ("train", *SCORED)
    }
    parts = {part: (pixels[rows[part]], network.features(model, pixels, rows[part])) for part in rows}
    scores = files.read_json(inputs.evaluation.metrics)
    fingerprint = files.read_json(inputs.model.fingerprint) if inputs.model.fingerprint.exists() else {}
    calibration = _calibration(scores["calibration"], section.calibrate)
    network.write(model, out.network)
    about = Description(
        format=bundle.FORMAT,
        network=Network(name=trained.name, sha256=files.digest(out.network), shape=shape),
        data=Data(name=setting.source, fingerprint=fingerprint.get("sha256", "")),
        preparation=setting.preparation,
        classes=classes,
        threshold=_threshold(scores, calibration.temperature),
        calibration=calibration,
        reference=out_of_distribution.fit(
            parts, group_codes([image.group for image in images if image.part == "train"])
        ),
        scores=scores["test"],
        confidence=setting.confidence,
        warnings=files.read_json(inputs.evaluation.warnings),
    )
    bundle.write(about, out.description)
    files.write_text(out.card, bundle.card(about))
    log.info("export: %s", _summary(about))


def _calibration(fitted: dict[str, Any], method: Literal["temperature", "none"]) -> Calibration:
    """Return the calibration that evaluate fitted on val, or for the method none, only the errors without it."""
    if method == "none":
        fitted = {**fitted, "temperature": 1.0, "note": "", "after": fitted["before"]}
    return Calibration(method=method, **fitted)


def _threshold(scores: dict[str, Any], temperature: float) -> float | None:
    """Scale the threshold with the temperature as the probabilities are, so that every decision stays the same."""
    if "threshold" not in scores:
        return None
    value = float(scores["threshold"])
    return float(scaled(np.array([[1 - value, value]]), temperature)[0, 1])


def _summary(about: Description) -> str:
    found = about.calibration
    before, after = (each.get("test", {}).get("calibration_error", 0.0) for each in (found.before, found.after))
    flagged = about.reference.flagged.get("test", 0.0)
    return (
        f"{about.network.name} for {', '.join(about.classes)}, temperature {found.temperature:.2f}, "
        f"calibration error on test {before:.3f} before and {after:.3f} after it, {flagged:.1%} of test unlike train"
    )
