"""The stage evaluate: from a trained model to predictions, scores, figures and the report."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from src.errors import AssayError
from src.evaluation import classification, gallery, plots, report, tables
from src.evaluation.attention.cases import see
from src.evaluation.findings import Findings, Rules, find, summarise
from src.evaluation.predict import open_model, predict
from src.evaluation.tables import Image
from src.files import write_json
from src.imaging.store import open_images
from src.params import Augment, Evaluate
from src.paths import Evaluation, Model, Prepared, Raw, Split

log = logging.getLogger(__name__)
JUDGED = ("val", "test")
HEADLINE = {"auc": "ROC AUC", "accuracy": "accuracy"}


def evaluate(
    prepared: Prepared,
    split: Split,
    model: Model,
    out: Evaluation,
    section: Evaluate,
    seed: int,
    *,
    threads: int,
    augment: Mapping[str, Any],
    batch_size: int,
    balance: str,
    raw: Raw | None = None,
    shown: Mapping[str, Any],
) -> None:
    """Judge the model on the test part and write predictions, metrics, figures and the report.

    threads: of TensorFlow. augment, batch_size, balance: as under train, for the sheets that show what the
    training saw.
    raw: where the download counted the classes, if that is to be shown. shown: the parameters that the report lists.

    Raises:
        AssayError: an input is missing or does not belong to the others, or the test part is empty.
    """
    images = tables.read_images(prepared.index, split.parts)
    judged = [image for image in images if image.part in JUDGED]
    if not any(image.part == "test" for image in judged):
        raise AssayError(f"{split.parts}: expected rows of the part test, found none")
    classes = tables.read_classes(model.classes)
    rows = np.array([image.row for image in judged], dtype=np.int64)
    pixels = open_images(prepared)
    network = open_model(model.model, pixels, seed, threads)
    probabilities = predict(network, pixels, rows)
    found = _find(judged, probabilities, classes, section, seed)
    tables.write_predictions(out.predictions, judged, probabilities, classes)
    write_json(out.metrics, summarise(found))
    table = classification.lines(found.test.labels, found.decisions, classes)
    tables.write_table(out.classification, classification.as_table(table), classification.COLUMNS)
    plots.write(found, out.plots)
    material = gallery.Material(
        found=found,
        images=images,
        pixels=pixels,
        history=tables.read_columns(model.history, "epoch"),
        listed=tables.read_listed(raw.counts) if raw else [],
        histograms=tables.read_columns(prepared.histograms, "level"),
        fed=gallery.Fed(Augment.model_validate(augment), batch_size, balance),
        seed=seed,
        mistakes=section.mistakes,
        seen=see(network, found.test, found.decisions, pixels),
    )
    pictures = gallery.draw_all(material, out.figures)
    report.write(out.report, found, images, table, pictures, report.Sources.read(prepared, split, model, shown))
    log.info("test: %s", headline(found))


def headline(found: Findings) -> str:
    """Say in a line what the test part says, as far as it can be told from it."""
    counted = f"{found.test.size} images of {found.test.group_count} groups"
    scores = [
        f"{name} {score.value:.3f}" + ("" if score.low is None else f" ({score.low:.2f} to {score.high:.2f})")
        for key, name in HEADLINE.items()
        if (score := found.estimates.scores.get((key,)))
    ]
    return ", ".join([*scores, counted])


def _find(
    judged: list[Image],
    probabilities: np.ndarray[Any, np.dtype[np.float64]],
    classes: tuple[str, ...],
    section: Evaluate,
    seed: int,
) -> Findings:
    parts = {}
    for part in JUDGED:
        places = [place for place, image in enumerate(judged) if image.part == part]
        parts[part] = tables.score([judged[place] for place in places], probabilities[places], classes)
    return find(parts["test"], parts["val"], Rules(section.threshold, section.confidence, section.resamples, seed))
