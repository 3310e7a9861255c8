"""A small prepared store, split and trained model, as the earlier stages leave them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.core.paths import Evaluation, ModelFiles, Prepared, ProbeFiles, Raw, SplitFiles
from src.metrics.predictions import Scored

SIDE = 24


@dataclass(frozen=True)
class Build:
    """The folders of the stages below one folder."""

    prepared: Prepared
    split: SplitFiles
    model: ModelFiles
    out: Evaluation
    raw: Raw
    probe: ProbeFiles


def folders(root: Path) -> Build:
    """Name the folders of a build."""
    return Build(
        Prepared(root / "prepared"),
        SplitFiles(root / "split"),
        ModelFiles(root / "model"),
        Evaluation(root / "evaluation"),
        Raw(root / "raw"),
        ProbeFiles(root / "probe"),
    )


def write_store(build: Build, classes: tuple[str, ...], images: int = 120, seed: int = 0, grouped: bool = True) -> None:
    """Write images whose brightness hints at their class, two or so to a group, a third in each part."""
    random = np.random.default_rng(seed)
    groups = np.sort(random.integers(images // 2, size=images))
    labels = groups % len(classes)
    shifts = random.normal(0, 22, size=images)[groups] + 30 * labels  # images of a group are alike
    pixels = random.normal(70 + shifts[:, None, None, None], 60, size=(images, SIDE, SIDE, 1))
    pixels[:, 8:16, 8:16] += random.normal(0, 50, size=(images, 1, 1, 1))
    for folder in (build.prepared.folder, build.split.folder, build.model.folder, build.raw.folder, build.probe.folder):
        folder.mkdir(parents=True)
    counts = [
        "label,images,listed",
        *(f"{name},{images // len(classes)},{place}" for place, name in enumerate(classes)),
    ]
    build.raw.counts.write_text("\n".join([*counts, "RARE,0,3"]) + "\n", encoding="utf-8")
    levels = ["level,before_gray,after_gray", *(f"{level},0.00390625,0.00390625" for level in range(256))]
    build.prepared.histograms.write_text("\n".join(levels) + "\n", encoding="utf-8")
    np.save(build.prepared.images, np.clip(pixels, 0, 255).astype(np.uint8))
    names = [classes[label] for label in labels]
    lines = [f"{name}/image {row}.png,{name}" for row, name in enumerate(names)]
    build.prepared.index.write_text("\n".join(["path,label", *lines]) + "\n", encoding="utf-8")
    parts = [
        f"{row},{('train', 'val', 'test')[group // len(classes) % 3]},{f'patient {group}' * grouped}"
        for row, group in enumerate(groups.tolist())
    ]
    build.split.parts.write_text("\n".join(["row,part,group", *parts]) + "\n", encoding="utf-8")
    audit = {"shortcut_auc": 0.99, "details": [{"shortcut": {"auc": 0.99, "low": 0.98, "high": 1.0}}]}
    build.split.audit.write_text(json.dumps(audit), encoding="utf-8")
    simple = {"auc": {"value": 0.625, "low": 0.5, "high": 0.75}, "accuracy": {"value": 0.5}}
    build.probe.scores.write_text(json.dumps({"probe": simple, "neighbours": simple}), encoding="utf-8")


def write_model(build: Build, classes: tuple[str, ...]) -> None:
    """Write an untrained model with fixed weights that looks at the mean brightness, and a history."""
    import src.models  # noqa: F401  sets TensorFlow up before Keras loads it

    import keras

    pixels = keras.Input((SIDE, SIDE, 1))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    outputs = 1 if len(classes) == 2 else len(classes)
    head = keras.layers.Dense(outputs, activation="sigmoid" if outputs == 1 else "softmax")
    model = keras.Model(pixels, head(mean))
    slopes = np.linspace(0, 14 * outputs, outputs) if outputs > 1 else np.array([18.0])
    centres = (85 + 30 * np.arange(outputs)) / 255 if outputs > 1 else np.array([95 / 255])
    head.set_weights(
        [slopes[None, :], -np.cumsum(np.diff(slopes, prepend=0) * centres) if outputs > 1 else -slopes * centres]
    )
    model.save(build.model.model)
    build.model.classes.write_text(json.dumps(classes), encoding="utf-8")
    build.model.fingerprint.write_text(json.dumps({"sha256": "abc123"}), encoding="utf-8")
    build.model.history.write_text(history(30), encoding="utf-8")


def history(epochs: int) -> str:
    """Give a history.csv whose validation loss is lowest at two thirds."""
    best = 2 * epochs // 3
    header = "epoch,loss,accuracy,auc,val_loss,val_accuracy,val_auc,learning_rate\n"
    rows = [
        f"{e},{0.7 * 0.96**e:.6f},{1 - 0.5 * 0.97**e:.6f},{1 - 0.4 * 0.95**e:.6f},"
        f"{0.5 + ((e - best) / epochs) ** 2:.6f},{0.7 - 0.1 * 0.9**e:.6f},{0.75 - 0.2 * 0.9**e:.6f},0.0001\n"
        for e in range(1, epochs + 1)
    ]
    return header + "".join(rows)


def binary(labels: Sequence[int], scores: Sequence[float], groups: Sequence[int] | None = None) -> Scored:
    """Make images of two classes from labels and probabilities of the positive one."""
    positive = np.asarray(scores, dtype=np.float64)
    return scored(labels, np.stack([1 - positive, positive], axis=1), groups)


def scored(labels: Sequence[int], probabilities: np.ndarray, groups: Sequence[int] | None = None) -> Scored:
    """Make images from labels and probabilities (N, K)."""
    size = len(labels)
    return Scored(
        classes=tuple("abcdefgh"[: probabilities.shape[1]]),
        rows=np.arange(size),
        paths=tuple(f"{row}.png" for row in range(size)),
        labels=np.asarray(labels, dtype=np.int64),
        probabilities=np.asarray(probabilities, dtype=np.float64),
        groups=np.arange(size) if groups is None else np.asarray(groups, dtype=np.int64),
        grouped=groups is not None,
    )


def random(size: int, classes: int, seed: int = 0, strength: float = 1.0) -> Scored:
    """Make images whose probabilities know something of the class, rounded so that some are equal; pairs of a group."""
    source = np.random.default_rng(seed)
    groups = np.arange(size) // 2
    labels = source.integers(classes, size=size // 2 + 1)[groups]
    logits = source.normal(size=(size, classes))
    logits[np.arange(size), labels] += strength
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return scored(labels.tolist(), np.round(probabilities, 2), groups.tolist())
