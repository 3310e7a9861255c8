"""Sections of params.yaml for tests, every key of which is required: params.yaml with plain values, then one's own."""

from typing import Any

from src import params, yaml_reading
from tests.conftest import ROOT

PLAIN: dict[str, dict[str, Any]] = {
    "preprocess": {"detail": 256},
    "crop": {"min_box": 0.0},
    "model": {"dropout": 0.5, "stride": 1, "pooling": "none"},
    "train": {"learning_rate": None, "patience": 20},
    "schedule": {"name": "constant", "warmup": 0},
    "augment": {"rotation": 0.0, "shift": 0.0, "shear": 0.0, "zoom": 0.0, "flip": "none"},
    "dataset": {"positive": None},
}
CONTENT: dict[str, Any] = yaml_reading.read(ROOT / "params.yaml")
TRAIN, PREPROCESS, TUNE = CONTENT["train"], CONTENT["preprocess"], CONTENT["tune"]


def dataset(**values: Any) -> params.Dataset:
    return params.Dataset(**CONTENT["dataset"] | PLAIN["dataset"] | values)


def crop(**values: Any) -> params.Crop:
    return params.Crop(**PREPROCESS["crop"] | PLAIN["crop"] | values)


def preprocess(**values: Any) -> params.Preprocess:
    inner = {"crop": crop(**values.pop("crop", {})), "clahe": PREPROCESS["clahe"] | values.pop("clahe", {})}
    return params.Preprocess.model_validate(PREPROCESS | PLAIN["preprocess"] | inner | values)


def split(**values: Any) -> params.Split:
    return params.Split(**CONTENT["split"] | values)


def model(**values: Any) -> params.Model:
    return params.Model(**CONTENT["model"] | PLAIN["model"] | values)


def augment(**values: Any) -> params.Augment:
    return params.Augment(**TRAIN["augment"] | PLAIN["augment"] | values)


def schedule(**values: Any) -> params.Schedule:
    return params.Schedule(**TRAIN["schedule"] | PLAIN["schedule"] | values)


def focal(**values: Any) -> params.Focal:
    return params.Focal(**TRAIN["focal"] | values)


def fine_tune(**values: Any) -> params.FineTune:
    return params.FineTune(**TRAIN["fine_tune"] | values)


def train(**values: Any) -> params.Train:
    plain = {"schedule": schedule(), "augment": augment()}
    return params.Train(**TRAIN | PLAIN["train"] | plain | values)


def evaluate(**values: Any) -> params.Evaluate:
    return params.Evaluate(**CONTENT["evaluate"] | values)


def sampler(**values: Any) -> params.Sampler:
    return params.Sampler(**TUNE["sampler"] | values)


def pruner(**values: Any) -> params.Pruner:
    return params.Pruner(**TUNE["pruner"] | values)
