"""Scores of a cross-validation: of each training, of all out-of-fold predictions together, and how much they vary."""

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
from src.metrics.bootstrap import Estimate, estimate
from src.metrics.objectives import best_epoch
from src.metrics.scored import Floats, Integers, Scored, group_codes
from src.metrics.scores import overall_scores
from src.metrics.threshold import FALLBACK, choose
from src.repeat.trainings import Trained

DECIMALS = 6
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


def write(path: Path, found: OutOfFold) -> None:
    """Write a row per image: row, part, path, label, group, fold, and the mean probability over the seeds."""
    header = (*Image._fields, "fold", *(f"p_{name}" for name in found.classes))
    lines = zip(found.images, found.fold.tolist(), found.probabilities.mean(axis=0), strict=True)
    write_csv(path, header, ((*image, fold, *(f"{p:.8f}" for p in values)) for image, fold, values in lines))
