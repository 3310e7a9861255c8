"""The stage evaluate: from a trained model to predictions, scores, figures and the report."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from src.config import Evaluate
from src.core.errors import AssayError
from src.core.files import write_json
from src.core.paths import Evaluation
from src.evaluate import gallery, report
from src.evaluate.figures.discrimination import precision_recall_points, roc_points
from src.evaluate.inputs import (
    Image,
    Inputs,
    read_classes,
    read_columns,
    read_images,
    read_known,
    read_listed,
    score,
    write_predictions,
    write_table,
)
from src.evaluate.predict import Layer, check_shape, layers, open_model, predict, with_flips
from src.evaluate.report_warnings import notices, small_classes
from src.evaluate.results import Results, Rules, classification, compared, compute, summarise
from src.images.store import open_images
from src.metrics.curves import Ranking, rank
from src.metrics.predictions import Flags, Floats

__all__ = ["Inputs", "run"]
log = logging.getLogger(__name__)
SCORED = ("val", "test")
HEADLINE = {"auc": "ROC AUC", "accuracy": "accuracy"}


def run(
    inputs: Inputs,
    out: Evaluation,
    section: Evaluate,
    seed: int,
    shape: tuple[int, int, int],
    parameters: Mapping[str, Any],
) -> None:
    """Score the model on the test part and write predictions, metrics, figures and the report.

    shape: (H, W, C) of the images according to params.yaml.
    parameters: all parameters that determine the result, nested as in params.yaml, for the report; those under train
    also set TensorFlow's threads and how the batches in the figures are made.

    Raises:
        AssayError: an input is missing or does not match the others, or the test part is empty.
    """
    images = read_images(inputs.prepared.index, inputs.split.parts)
    classes = read_classes(inputs.model.classes)
    known = read_known(inputs.out_of_fold, classes) if inputs.out_of_fold else {}
    scored = [image._replace(part="val") if image.row in known else image for image in images]
    scored = [image for image in scored if image.part in SCORED]
    if not any(image.part == "test" for image in scored):
        raise AssayError(f"{inputs.split.parts}: expected rows of the part test, found none")
    pixels = open_images(inputs.prepared)
    check_shape(inputs.prepared.images, pixels.shape[1:], shape)
    network = open_model(inputs.model.model, shape, seed, parameters["train"]["threads"])
    from src.evaluate import cam  # after open_model: it sets what TensorFlow reads on import

    rows = np.array([image.row for image in scored], dtype=np.int64)
    probabilities = predict(with_flips(network, section.tta), pixels, rows)
    for place in np.flatnonzero(np.isin(rows, list(known))):  # do not choose a threshold on images learned from
        probabilities[place] = known[int(rows[place])]
    log.info("scores: intervals from %d resamples", section.resamples)
    results = _compute(scored, probabilities, classes, section, seed)
    levels = inputs.prepared.levels
    material = gallery.Material(
        results=results,
        images=images,
        pixels=pixels,
        history=read_columns(inputs.model.history, "epoch"),
        listed=read_listed(inputs.raw.counts),
        histograms=read_columns(inputs.prepared.histograms, "level"),
        levels=np.asarray(Pillow.open(levels).convert("RGB")) if levels.exists() else None,
        training=gallery.Training.of(parameters["train"]),
        seed=seed,
        mistakes=section.mistakes,
        cams=cam.explain(network, results.test, results.decisions, pixels),
        layers=layers(network),
    )
    _write_tables(out, material, scored, probabilities, network.count_params())
    pictures = gallery.draw_all(material, out.figures)
    sources = report.read_sources(inputs)
    warnings = notices(sources.audit, results, sources.losses.lines, sources.probe)
    write_json(out.warnings, [warning._asdict() for warning in warnings])
    report.write(out.report, material, pictures, sources, warnings, parameters)
    for line in small_classes(results.test):
        log.warning("warning: %s", line)
    log.info("test: %s", headline(results))


def _write_tables(
    out: Evaluation, material: gallery.Material, scored: list[Image], probabilities: Floats, parameters: int
) -> None:
    """Write the files for programs; parameters: how many weights the network has."""
    results = material.results
    write_predictions(out.predictions, scored, probabilities, results.test.classes)
    numbers = {**summarise(results), "parameters": parameters}
    write_json(out.metrics, numbers)
    write_json(out.summary, compared(numbers))
    classes = results.test.classes
    table = classification(results.test.labels, results.decisions, classes)
    write_table(out.classification, ("class", "precision", "recall", "f1", "support"), table)
    write_plots(results, out.plots)
    rows = ((each.name, each.kind, each.output, each.parameters) for each in material.layers)
    write_table(out.layers, Layer._fields, rows)


def headline(results: Results) -> str:
    """Return the scores of the test part in one line."""
    groups = f"of {results.test.group_count} groups" if results.test.grouped else "(patients are not known)"
    scores = [
        f"{name} {score.value:.3f}" + ("" if score.low is None else f" ({score.low:.2f} to {score.high:.2f})")
        for key, name in HEADLINE.items()
        if (score := results.estimates.scores.get((key,)))
    ]
    return ", ".join([*scores, f"{results.test.size} images {groups}"])


def _compute(
    scored: list[Image], probabilities: Floats, classes: tuple[str, ...], section: Evaluate, seed: int
) -> Results:
    parts = {}
    for part in SCORED:
        places = [place for place, image in enumerate(scored) if image.part == part]
        parts[part] = score([scored[place] for place in places], probabilities[places], classes)
    return compute(parts["test"], parts["val"], Rules(section.threshold, section.confidence, section.resamples, seed))


def write_plots(results: Results, folder: Path) -> None:
    """Write the tables that `dvc plots` draws for several experiments at once.

    They are confusion.csv (a row per test image), roc.csv and precision_recall.csv (a row per corner).

    With more than two classes the curves are micro-averaged: every class of every image is one decision.
    """
    names = results.test.classes
    pairs = zip(results.test.labels, results.decisions, strict=True)
    write_table(folder / "confusion.csv", ("actual", "predicted"), ((names[one], names[other]) for one, other in pairs))
    ranking = _pooled(results)
    for name, columns, points in (
        ("roc.csv", ("false_positive_rate", "true_positive_rate"), roc_points),
        ("precision_recall.csv", ("recall", "precision"), precision_recall_points),
    ):
        complete = ranking.true.any() and ranking.false.any()
        x, y = points(ranking) if complete else (np.zeros(0), np.zeros(0))
        kept = corners(x, y)
        write_table(folder / name, columns, zip(x[kept].tolist(), y[kept].tolist(), strict=True))


def corners(x: Floats, y: Floats) -> Flags:
    """Return a mask (N,) of the points needed to draw a line: its ends, and where its direction changes."""
    if len(x) < 3:
        return np.ones(len(x), dtype=np.bool_)
    dx, dy = np.diff(x), np.diff(y)
    turns = np.abs(dx[1:] * dy[:-1] - dy[1:] * dx[:-1]) > 1e-12
    return np.concatenate([[True], turns, [True]])


def _pooled(results: Results) -> Ranking:
    test = results.test
    columns = [1] if test.binary else range(len(test.classes))
    positive = np.concatenate([test.labels == column for column in columns])
    score = np.concatenate([test.probabilities[:, column] for column in columns])
    return rank(positive, score, np.ones((1, len(score))))
