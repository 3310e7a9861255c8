"""Sections of params.yaml for tests, every key of which is required: params.yaml with plain values, then one's own."""

from typing import Any

from src import config
from src.core import yaml_file
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
CONTENT: dict[str, Any] = yaml_file.read(ROOT / "params.yaml")
TRAIN, PREPROCESS, TUNE = CONTENT["train"], CONTENT["preprocess"], CONTENT["tune"]


def dataset(**values: Any) -> config.Dataset:
    return config.Dataset(**CONTENT["dataset"] | PLAIN["dataset"] | values)


def crop(**values: Any) -> config.Crop:
    return config.Crop(**PREPROCESS["crop"] | PLAIN["crop"] | values)


def preprocess(**values: Any) -> config.Preprocess:
    inner = {"crop": crop(**values.pop("crop", {})), "clahe": PREPROCESS["clahe"] | values.pop("clahe", {})}
    return config.Preprocess.model_validate(PREPROCESS | PLAIN["preprocess"] | inner | values)


def split(**values: Any) -> config.Split:
    return config.Split(**CONTENT["split"] | values)


def model(**values: Any) -> config.Model:
    return config.Model(**CONTENT["model"] | PLAIN["model"] | values)


def augment(**values: Any) -> config.Augment:
    return config.Augment(**TRAIN["augment"] | PLAIN["augment"] | values)


def schedule(**values: Any) -> config.Schedule:
    return config.Schedule(**TRAIN["schedule"] | PLAIN["schedule"] | values)


def focal(**values: Any) -> config.Focal:
    return config.Focal(**TRAIN["focal"] | values)


def fine_tune(**values: Any) -> config.FineTune:
    return config.FineTune(**TRAIN["fine_tune"] | values)


def train(**values: Any) -> config.Train:
    plain = {"schedule": schedule(), "augment": augment()}
    return config.Train(**TRAIN | PLAIN["train"] | plain | values)


def evaluate(**values: Any) -> config.Evaluate:
    return config.Evaluate(**CONTENT["evaluate"] | values)


def sampler(**values: Any) -> config.Sampler:
    return config.Sampler(**TUNE["sampler"] | values)


def pruner(**values: Any) -> config.Pruner:
    return config.Pruner(**TUNE["pruner"] | values)
