"""The stage evaluate: from a trained model to predictions, scores, figures and the report."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as Pillow

from src.config import Evaluate
from src.core.errors import AssayError
from src.core.files import write_json
from src.core.paths import Evaluation, ModelFiles, Prepared, ProbeFiles, Raw, SplitFiles
from src.evaluate import dvc_plots, gallery, layers, report
from src.evaluate.cam.cases import explain
from src.evaluate.inputs import (
    Image,
    known_as_val,
    read_classes,
    read_columns,
    read_images,
    read_listed,
    replace_known,
    score,
    write_predictions,
    write_table,
)
from src.evaluate.predict import check_images, open_model, predict, with_flips
from src.evaluate.report_warnings import notices, small_classes
from src.evaluate.results import (
    CLASSIFICATION_COLUMNS,
    Results,
    Rules,
    as_table,
    classification,
    compared,
    compute,
    summarise,
)
from src.images.pixels import Pixels
from src.images.store import open_images

log = logging.getLogger(__name__)
SCORED = ("val", "test")
HEADLINE = {"auc": "ROC AUC", "accuracy": "accuracy"}


class Inputs(NamedTuple):
    """What the earlier stages wrote; raw: None where no download counted the classes; probe: None without one."""

    raw: Raw | None
    prepared: Prepared
    split: SplitFiles
    model: ModelFiles
    probe: ProbeFiles | None = None


def run(
    inputs: Inputs,
    out: Evaluation,
    section: Evaluate,
    seed: int,
    shape: tuple[int, int, int],
    parameters: Mapping[str, Any],
) -> None:
    """Score the model on the test part and write predictions, metrics, figures and the report.

    shape: (H, W, C) of the images by params.yaml.
    parameters: all that determine the result, as params.yaml nests them, for the report; those under train say how
    many threads TensorFlow gets and how the batches were made that the figures show.

    Raises:
        AssayError: an input is missing or does not belong to the others, or the test part is empty.
    """
    images = _read_images(inputs)
    scored = [image for image in known_as_val(images, inputs.model.out_of_fold) if image.part in SCORED]
    classes = read_classes(inputs.model.classes)
    pixels = open_images(inputs.prepared)
    check_images(inputs.prepared.images, pixels.shape[1:], shape)
    network = open_model(inputs.model.model, shape, seed, parameters["train"]["threads"])
    asked = with_flips(network, section.tta)
    probabilities = predict(asked, pixels, np.array([image.row for image in scored], dtype=np.int64))
    replace_known(probabilities, scored, classes, inputs.model.out_of_fold)
    log.info("scores: intervals from %d resamples", section.resamples)
    results = _compute(scored, probabilities, classes, section, seed)
    write_predictions(out.predictions, scored, probabilities, classes)
    numbers = {**summarise(results), "parameters": network.count_params()}
    write_json(out.metrics, numbers)
    write_json(out.summary, compared(numbers))
    table = classification(results.test.labels, results.decisions, classes)
    write_table(out.classification, as_table(table), CLASSIFICATION_COLUMNS)
    dvc_plots.write(results, out.plots)
    material = gallery.Material(
        results=results,
        images=images,
        pixels=pixels,
        history=read_columns(inputs.model.history, "epoch"),
        listed=read_listed(inputs.raw.counts) if inputs.raw else [],
        histograms=read_columns(inputs.prepared.histograms, "level"),
        levels=_picture(inputs.prepared.levels),
        training=gallery.Training.of(parameters["train"]),
        seed=seed,
        mistakes=section.mistakes,
        cams=explain(network, results.test, results.decisions, pixels),
        layers=layers.of(network),
    )
    pictures = gallery.draw_all(material, out.figures)
    sources = report.Sources.read(inputs.raw, inputs.prepared, inputs.split, inputs.model, parameters, inputs.probe)
    warnings = notices(sources.audit, results, sources.losses, sources.probe)
    write_json(out.warnings, [warning._asdict() for warning in warnings])
    report.write(out.report, results, images, table, pictures, sources, warnings, material.layers)
    write_table(
        out.layers, [layer._asdict() | {"shape": layer.output} for layer in material.layers], layers.Layer._fields
    )
    for line in small_classes(results.test):
        log.warning("warning: %s", line)
    log.info("test: %s", headline(results))


def _read_images(inputs: Inputs) -> list[Image]:
    images = read_images(inputs.prepared.index, inputs.split.parts)
    if not any(image.part == "test" for image in images):
        raise AssayError(f"{inputs.split.parts}: expected rows of the part test, found none")
    return images


def _picture(path: Path) -> Pixels | None:
    """Read a PNG (H, W, 3) of an earlier stage, which older ones did not write."""
    return np.asarray(Pillow.open(path).convert("RGB")) if path.exists() else None


def headline(results: Results) -> str:
    """Return the scores of the test part in a line."""
    groups = f"of {results.test.group_count} groups" if results.test.grouped else "(patients are not known)"
    counted = f"{results.test.size} images {groups}"
    scores = [
        f"{name} {score.value:.3f}" + ("" if score.low is None else f" ({score.low:.2f} to {score.high:.2f})")
        for key, name in HEADLINE.items()
        if (score := results.estimates.scores.get((key,)))
    ]
    return ", ".join([*scores, counted])


def _compute(
    scored: list[Image],
    probabilities: np.ndarray[Any, np.dtype[np.float64]],
    classes: tuple[str, ...],
    section: Evaluate,
    seed: int,
) -> Results:
    parts = {}
    for part in SCORED:
        places = [place for place, image in enumerate(scored) if image.part == part]
        parts[part] = score([scored[place] for place in places], probabilities[places], classes)
    return compute(parts["test"], parts["val"], Rules(section.threshold, section.confidence, section.resamples, seed))
