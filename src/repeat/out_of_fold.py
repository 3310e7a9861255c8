"""Out-of-fold predictions of a cross-validation, their scores, and images with a doubtful label (suspects).

Scores are given for each training, for all out-of-fold predictions together, and with how much they vary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from src.config import Params
from src.core.files import write_csv
from src.core.random_streams import stream
from src.evaluate.inputs import Image, score
from src.executors.protocol import Fold
from src.images.contact_sheet import Cell, write_sheet
from src.images.pixels import Pixels
from src.metrics.bootstrap import Estimate, estimate
from src.metrics.objectives import best_epoch
from src.metrics.predictions import Floats, Integers, Scored, group_codes
from src.metrics.scores import overall_scores
from src.metrics.threshold import FALLBACK, choose
from src.repeat.folds import Trained

DECIMALS = 6
SHOWN, A_ROW = 24, 6  # suspects on the sheet
Tree = dict[str, Any]


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for every image by models that did not learn from it.

    probabilities: (S, N, K), S seeds. decisions: (S, N), at the threshold of each training. fold: (N,), from 1.
    each: the scores of every training, in the order of `trained`.
    """

    images: Sequence[Image]
    classes: tuple[str, ...]
    fold: Integers
    probabilities: Floats
    decisions: Integers
    each: tuple[Tree, ...]


def put_together(
    trained: Sequence[Trained],
    folds: Sequence[Fold],
    images: Sequence[Image],
    classes: tuple[str, ...],
    rule: str | float,
) -> OutOfFold:
    """Score each training on its held-out images, at a threshold chosen on its val part, and combine the results."""
    place = {image.row: number for number, image in enumerate(images)}
    drawn = list(dict.fromkeys(one.seed for one in trained))
    probabilities = np.zeros((len(drawn), len(images), len(classes)))
    decisions, number = np.zeros(probabilities.shape[:2], np.int64), np.zeros(len(images), np.int64)
    each = []
    for one in trained:
        held, val = ([place[row] for row in rows] for rows in (folds[one.fold - 1].held, folds[one.fold - 1].val))
        scored, cut = score([images[p] for p in held], one.held, classes), FALLBACK
        if one.val is not None and len(one.val) and scored.binary:
            known = score([images[p] for p in val], one.val, classes)
            cut = choose(known.labels == 1, known.probabilities[:, 1], rule).value
        decided, seed = scored.decide(cut), drawn.index(one.seed)
        probabilities[seed, held], decisions[seed, held], number[held] = one.held, decided, one.fold
        about: Tree = {"fold": one.fold, "seed": one.seed, "images": len(held), "groups": scored.group_count}
        about |= {"threshold": cut} if scored.binary else {}
        about |= {"best_epoch": best_epoch(one.rows)} if one.rows else {}
        each.append(about | {"scores": _values(scored, decided)})
    return OutOfFold(images, classes, number, probabilities, decisions, tuple(each))


def summarise(found: OutOfFold, params: Params) -> Tree:
    """Return all numbers of scores.json as nested dictionaries.

    Each score has its value and its interval over resampled groups, from the predictions of all folds and seeds
    together; the mean over the trainings; and the standard deviation of the means of folds, and of those of seeds.
    """
    seeds, section = len(found.probabilities), params.evaluate
    pooled = score([*found.images] * seeds, np.concatenate(found.probabilities), found.classes)
    groups = group_codes([image.group for image in found.images])
    pooled = replace(pooled, groups=np.tile(groups, seeds))  # an image without a group is one case, whatever the seed
    random = stream(params.seed, "intervals")
    estimates = estimate(pooled, found.decisions.ravel(), section.confidence, section.resamples, random)
    return {
        "model": params.model.name if params.repeat.model == "network" else "probe",
        "over": params.repeat.over,
        "folds": int(found.fold.max()),
        "seeds": seeds,
        "images": len(found.images),
        "groups": pooled.group_count,
        "scores": {key[0]: _varied(found, key[0], it) for key, it in estimates.scores.items() if len(key) == 1},
        "trainings": list(found.each),
    }


def _values(scored: Scored, decisions: Integers) -> dict[str, float]:
    values = overall_scores(scored, decisions)
    return {name: round(value, DECIMALS) for name, value in values.items() if np.isfinite(value)}


def _varied(found: OutOfFold, name: str, pooled: Estimate) -> dict[str, float]:
    values = [(one["fold"], one["seed"], one["scores"][name]) for one in found.each if name in one["scores"]]
    about = pooled.bounds()
    if values:
        about["mean"] = round(float(np.mean([value for _, _, value in values])), DECIMALS)
    for place, what in enumerate(("folds", "seeds")):
        cases = sorted({one[place] for one in values})
        means = [float(np.mean([one[2] for one in values if one[place] == case])) for case in cases]
        if len(means) > 1:
            about[f"deviation_over_{what}"] = round(float(np.std(means, ddof=1)), DECIMALS)
    return about


def write_predictions(path: Path, found: OutOfFold) -> None:
    """Write a row per image: row, part, path, label, group, fold, and the mean probability over the seeds."""
    header = (*Image._fields, "fold", *(f"p_{name}" for name in found.classes))
    lines = zip(found.images, found.fold.tolist(), found.probabilities.mean(axis=0), strict=True)
    write_csv(path, header, ((*image, fold, *(f"{p:.8f}" for p in values)) for image, fold, values in lines))


def margins(probabilities: Floats, labels: Integers) -> tuple[Floats, Integers]:
    """Return the margin (N,) by which the label leads, negative if another class leads, and the suspected class (N,).

    probabilities: (N, K), of models that did not learn from the image. The suspected class is the likeliest of those
    whose probability reaches its mean over the images with that label; if none does, it is the label itself.
    """
    usual = np.array([probabilities[labels == k, k].mean() for k in range(probabilities.shape[1])])
    confident = np.where(probabilities >= usual, probabilities, 0.0)
    suspected = np.where(confident.any(axis=1), confident.argmax(axis=1), labels)
    lead, each = probabilities - usual, np.arange(len(labels))
    own = lead[each, labels]
    lead[each, labels] = -np.inf
    return own - lead.max(axis=1), suspected


def find_suspects(probabilities: Floats, labels: Integers) -> tuple[Integers, Integers, Integers]:
    """Return all indices (N,), the most suspect first, the indices of the suspects, and the suspected class (N,).

    Confident learning (Northcutt, Jiang and Chuang 2021, https://doi.org/10.1613/jair.1.12125). The order is by the
    margin between the label and the likeliest other class, each less what it usually gets (adjusted as in Kuan and
    Mueller 2022, arXiv:2206.01560).

    probabilities: (S, N, K), for each seed. An image is a suspect if every seed suspects the same other class.
    """
    guesses = np.stack([margins(each, labels)[1] for each in probabilities])
    lead, suspected = margins(probabilities.mean(axis=0), labels)
    doubted = ((guesses == suspected) & (guesses != labels)).all(axis=0)
    order = np.argsort(lead, kind="stable")
    return order, order[doubted[order]], suspected


def write_suspects(
    table: Path, sheet: Path, images: Sequence[Image], classes: tuple[str, ...], pixels: Pixels, probabilities: Floats
) -> int:
    """Write the suspects as a table for correcting labels, and the first of them as a sheet; return their number."""
    labels = np.array([classes.index(image.label) for image in images])
    mean = probabilities.mean(axis=0)
    _, places, suspected = find_suspects(probabilities, labels)
    chances = (mean[place, [labels[place], suspected[place]]] for place in places)  # of both classes
    chosen = [(images[place], classes[suspected[place]], *both) for place, both in zip(places, chances, strict=True)]
    head = ("row", "path", "group", "label", "suspected", "p_label", "p_suspected")
    lines = ((one.row, one.path, one.group, one.label, other, f"{p:.6f}", f"{q:.6f}") for one, other, p, q in chosen)
    write_csv(table, head, lines)
    cells = [
        Cell(np.asarray(pixels[one.row]), f"{one.path}\nlabel {one.label}\n{other}? {q:.2f}")
        for one, other, _, q in chosen[:SHOWN]
    ]
    rows = [cells[start : start + A_ROW] for start in range(0, len(cells), A_ROW)]
    shown = f", the first {SHOWN}" if len(places) > SHOWN else ""
    write_sheet(sheet, rows, f"Labels in doubt: {len(places)} of {len(images)} images{shown}")
    return len(places)
