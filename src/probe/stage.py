"""The stage probe: score a linear probe and nearest neighbours on frozen features, on one split."""

import logging
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from src.core import files, partition
from src.core.errors import AssayError
from src.core.paths import Prepared, ProbeFiles, SplitFiles
from src.core.random_streams import derive, stream
from src.images.store import open_images
from src.metrics.bootstrap import estimate
from src.metrics.predictions import Floats, Integers, Scored, group_codes
from src.probe import feature_network

log = logging.getLogger(__name__)
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # C of the logistic regression, on standardised features
FOLDS = 5
NEIGHBOURS = 10
HALF = 0.5  # decision threshold for two classes
SAMPLE = 4000  # largest number of train images used, so that the stage takes minutes at most
SHOWN = ("auc", "accuracy", "sensitivity", "specificity", "f1")
PAIRS = 5  # number of most similar pairs of a train and a test image to report
DECIMALS = 6
Features = NDArray[np.float32]


class Intervals(NamedTuple):
    """The confidence level of the intervals, and the number of bootstrap resamples of the groups."""

    confidence: float
    resamples: int


class Images(NamedTuple):
    """The images of a part, all fields in the same order: rows (N,) of the store, class numbers, groups, paths."""

    rows: Integers
    labels: Integers
    groups: list[str]
    paths: list[str]


def run(
    prepared: Prepared, split: SplitFiles, out: ProbeFiles, intervals: Intervals, seed: int, positive: str | None
) -> None:
    """Write the image features to features.npz and the scores with their intervals to probe.json.

    Raises:
        AssayError: an input is missing or does not belong to the others, train lacks a class, or test has no images.
    """
    parts, classes = read(prepared, split, positive)
    train, test = _sample(parts["train"], seed), parts["test"]
    if len(np.unique(train.labels)) < len(classes) or not len(test.rows):
        raise AssayError(f"{split.parts}: expected images of every class in train, and images in test")
    rows = np.concatenate([train.rows, test.rows])
    features = feature_network.features(open_images(prepared), rows)
    seen, asked = np.split(features, [len(train.rows)])
    scores: dict[str, Any] = {"features": {"network": feature_network.NAME, "train_images": len(train.rows)}}
    for name, model in {"probe": linear(seen, train, seed), "neighbours": nearest(seen, train)}.items():
        scored = score(model.predict_proba(asked), test, classes)
        scores[name] = measured(scored, intervals, seed)
    scores["alike"] = alike(seen, train, asked, test, classes)
    out.folder.mkdir(parents=True, exist_ok=True)
    with files.replacing(out.features) as temporary, temporary.open("wb") as stream_:
        np.savez(stream_, rows=rows, features=features.astype(np.float16))
    files.write_json(out.scores, scores)
    lines = (_line(scores[name]) for name in ("probe", "neighbours"))
    log.info("probe: on frozen features %s; nearest neighbours %s: a training has to beat them", *lines)


def read(prepared: Prepared, split: SplitFiles, positive: str | None) -> tuple[dict[str, Images], tuple[str, ...]]:
    """Return the images of each part, and the class names: sorted; of two classes the positive one comes last."""
    lines = files.read_csv(prepared.index, ("path", "label"))
    names = sorted({line["label"] for line in lines})
    classes = tuple(sorted(names, key=lambda name: len(names) == 2 and name == positive))
    parts = {}
    for part in partition.PARTS:
        places = [place for place in partition.read(split.parts, len(lines), grouped=True) if place.part == part]
        rows = np.array([place.row for place in places], np.int64)
        labels = np.array([classes.index(lines[row]["label"]) for row in rows], np.int64)
        parts[part] = Images(rows, labels, [place.group for place in places], [lines[row]["path"] for row in rows])
    return parts, classes


def linear(features: Features, train: Images, seed: int) -> GridSearchCV | Pipeline:
    """Fit a logistic regression on standardised features; C is chosen by cross-validation that splits no group."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTHS[2], max_iter=1000))
    groups = group_codes(train.groups)
    folds = min(FOLDS, *(len(np.unique(groups[train.labels == label])) for label in np.unique(train.labels)))
    if folds > 1:
        cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=derive(seed, "probe folds"))
        cut = list(cutter.split(features, train.labels, groups))
        model = GridSearchCV(model, {"logisticregression__C": STRENGTHS}, scoring="neg_log_loss", cv=cut)
    with warnings.catch_warnings(action="ignore"):  # scikit-learn warns where a fold lacks a class
        return model.fit(features, train.labels)


def nearest(features: Features, train: Images) -> Pipeline:
    """Fit a classifier of the ten nearest neighbours, by the cosine distance between standardised features."""
    model = KNeighborsClassifier(min(NEIGHBOURS, len(features)), metric="cosine")
    return make_pipeline(StandardScaler(), model).fit(features, train.labels)


def score(probabilities: Floats, test: Images, classes: tuple[str, ...]) -> Scored:
    """Combine probabilities (N, K), rounded, with the test images that they belong to."""
    rounded, groups = np.round(probabilities, DECIMALS), group_codes(test.groups)
    return Scored(classes, test.rows, tuple(test.paths), test.labels, rounded, groups, any(test.groups))


def measured(scored: Scored, intervals: Intervals, seed: int) -> dict[str, dict[str, float]]:
    """Return scores with intervals from bootstrapped groups, with the same resamples as for the trained model."""
    found = estimate(scored, scored.decide(HALF), *intervals, stream(seed, "intervals"))
    return {name: found.scores[(name,)].bounds() for name in SHOWN if (name,) in found.scores}


def alike(
    features: Features, train: Images, others: Features, test: Images, classes: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return the pairs of a train and a test image whose features have the highest cosine similarity.

    Features are standardised first: they are all positive, so that otherwise any two images would look similar.
    """
    scaler = StandardScaler().fit(features)
    cosines = cosine_similarity(*(scaler.transform(each) for each in (others, features)))
    nearest_ones, best = cosines.argmax(axis=1), cosines.max(axis=1)
    pairs = [(place, nearest_ones[place]) for place in np.argsort(-best, kind="stable")[:PAIRS]]
    return [
        {
            "similarity": round(float(best[one]), 3),
            "train": train.paths[other],
            "test": test.paths[one],
            "labels": [classes[train.labels[other]], classes[test.labels[one]]],
        }
        for one, other in pairs
    ]


def _sample(train: Images, seed: int) -> Images:
    """Choose about SAMPLE images of train at random, stratified by class, and keep their order."""
    if len(train.rows) <= SAMPLE:
        return train
    order = stream(seed, "probe sample").permutation(len(train.rows))
    of_classes = [order[train.labels[order] == label] for label in np.unique(train.labels)]
    kept = np.sort(np.concatenate([some[: -(-len(some) * SAMPLE // len(order))] for some in of_classes]))
    return Images(train.rows[kept], train.labels[kept], *(np.array(names)[kept].tolist() for names in train[2:]))


def _line(scores: dict[str, dict[str, float]]) -> str:
    auc, accuracy = (scores.get(key, {}).get("value", float("nan")) for key in ("auc", "accuracy"))
    return f"ROC AUC {auc:.3f}, accuracy {accuracy:.3f}"
