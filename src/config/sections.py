"""The sections of params.yaml, except `tune`."""

import re
import warnings
from pathlib import Path
from string import digits
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictBool, StrictInt, model_validator

from src.config.field_types import (
    Count,
    Fraction,
    GroupPattern,
    Name,
    Number,
    OpenFraction,
    Rate,
    Section,
    Sha256,
    Share,
    Size,
    Text,
    Threshold,
    hashed,
    named,
    odd,
)
from src.config.search_space import Tune
from src.core import yaml_file
from src.core.redact import refuse_secrets

Flips = Literal["none", "horizontal", "vertical", "both"]
Optimizer = Annotated[str, named("train.optimizers:OPTIMIZERS")]
Backbone = Literal["DenseNet121", "EfficientNetV2B0", "MobileNetV3Large", "MobileNetV3Small", "ResNet50V2"]

RATIO_TOLERANCE = 1e-6
IMPORT = Path("data.dvc")
SAMPLES = "samples"


class KerasApplication(Section):
    """Options that only the model keras_application reads."""

    backbone: Backbone
    weights: Text
    sha256: Sha256 | None


class Separable(Section):
    """Options that only the model separable reads."""

    batch_norm: StrictBool


class EfficientnetLite(Section):
    """Options that only the models efficientnet_lite0, 1 and 2 read."""

    weights: Text
    sha256: Sha256 | None


class Model(Section):
    """The architecture and its options.

    A section with the name of an architecture is read only by that one, and by its numbered variants.
    """

    name: Annotated[str, named("models")]
    dropout: Share
    stride: Annotated[StrictInt, Field(ge=1, le=8)]
    pooling: Literal["none", "average", "max"]
    keras_application: KerasApplication
    separable: Separable
    efficientnet_lite: EfficientnetLite

    def own(self) -> dict[str, Any]:
        """Return the options that only the chosen architecture reads."""
        section = getattr(self, self.name.rstrip(digits), None)
        return section.model_dump() if isinstance(section, Section) else {}


class Augment(Section):
    """Random changes of each training image; the ranges are symmetric, as in Keras' ImageDataGenerator."""

    rotation: Annotated[float, Field(ge=0, le=180, strict=True)]
    shift: Annotated[float, Field(ge=0, lt=1, strict=True)]
    shear: Annotated[float, Field(ge=0, lt=90, strict=True)]
    zoom: Annotated[float, Field(ge=0, lt=1, strict=True)]
    brightness: Annotated[float, Field(ge=0, le=1, strict=True)]
    contrast: Annotated[float, Field(ge=0, lt=1, strict=True)]
    flip: Flips
    fill: Literal["nearest", "constant", "reflect", "wrap"]


class Schedule(Section):
    """How the learning rate changes from epoch to epoch."""

    name: Annotated[str, named("train.optimizers:SCHEDULES")]
    warmup: Number
    every: Count
    factor: OpenFraction
    floor: Fraction


class Focal(Section):
    """The parameters of the focal loss, used if `balance` is focal."""

    gamma: Annotated[float, Field(ge=0, le=100, strict=True)]
    alpha: OpenFraction


class FineTune(Section):
    """Training in two phases: the output layer alone, then more of the model."""

    frozen_epochs: Number
    from_layer: Text | None
    learning_rate: Rate | None


class Train(Section):
    """How the model is fitted."""

    epochs: Count
    batch_size: Count
    optimizer: Optimizer
    learning_rate: Rate | None
    momentum: Share
    weight_decay: Annotated[float, Field(ge=0, le=100, strict=True)]
    clip_norm: Annotated[float, Field(gt=0, le=1e6, strict=True)] | None
    schedule: Schedule
    balance: Annotated[str, named("train.class_balance:BALANCES")]
    focal: Focal
    label_smoothing: Share
    fine_tune: FineTune
    patience: Count
    mixed_precision: StrictBool
    gpus: Annotated[StrictInt, Field(ge=1, le=1024)]
    threads: Annotated[StrictInt, Field(ge=1, le=256)]
    augment: Augment


class Dataset(Section):
    """Where the images come from and how labels, groups and folds are read from them."""

    source: Annotated[Text, AfterValidator(refuse_secrets)]
    layout: Annotated[str, named("download.layouts")]
    positive: Name | None
    table: Text | None
    masks: Literal["leave_out", "keep"]
    merge: Annotated[dict[Annotated[Name, AfterValidator(hashed)], Name], Field(max_length=1000)]
    group_pattern: GroupPattern | None
    sha256: Sha256 | None
    max_unpacked_gb: Annotated[float, Field(gt=0, le=10_000, strict=True)]
    max_download_gb: Annotated[float, Field(gt=0, le=10_000, strict=True)]


class Clahe(Section):
    """Contrast limited adaptive histogram equalization."""

    clip_limit: Annotated[float, Field(gt=0, le=1000, strict=True)]
    tile_grid: Annotated[StrictInt, Field(ge=1, le=64)]


class Crop(Section):
    """How the body is found; lengths are in pixels at the working size, grey levels in 0..255."""

    blur: Annotated[StrictInt, Field(ge=1, le=31), AfterValidator(odd)]
    threshold: Annotated[StrictInt, Field(ge=0, le=255)]
    min_area: Annotated[StrictInt, Field(ge=0, le=4096 * 4096)]
    max_area: Fraction
    narrow: Annotated[StrictInt, Field(ge=0, le=4096)]
    long: Annotated[StrictInt, Field(ge=0, le=4096)]
    min_box: Fraction


class Preprocess(Section):
    """How each image is processed, in the order of `steps`, before it is packed."""

    image_size: Size
    color: Literal["gray", "rgb"]
    steps: Annotated[tuple[Annotated[str, named("preprocess.steps")], ...], Field(min_length=1, max_length=100)]
    working_size: Annotated[StrictInt, Field(ge=8, le=4096)]
    detail: Annotated[StrictInt, Field(ge=8, le=4096)]
    clahe: Clahe
    crop: Crop
    max_megapixels: Annotated[float, Field(gt=0, le=10_000, strict=True)]
    damaged: Literal["keep", "reject"]
    max_rejected: Fraction

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in pixels of every prepared image."""
        size = self.image_size
        return (size, size) if isinstance(size, int) else (size[0], size[1])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every prepared image."""
        return *self.sides, 3 if self.color == "rgb" else 1


class Split(Section):
    """How the images are divided into train, val and test."""

    train: OpenFraction
    val: OpenFraction
    test: OpenFraction
    by: Literal["group", "image", "lookalike"]
    folds: Literal["ignore", "respect"]
    leaks: Literal["fail", "warn"]

    @model_validator(mode="after")
    def sums_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > RATIO_TOLERANCE:
            raise ValueError(f"expected train + val + test to be 1; found {total:g}")
        return self


def source_name(source: str) -> str:
    """Return the name of a source without its folders, or without the host and query of a URL.

    >>> source_name("/home/me/data/covid_ct.zip"), source_name("https://host/a/b.zip?key=1"), source_name("kaggle:me/b")
    ('covid_ct.zip', 'b.zip', 'b')
    """
    path = urlsplit(source).path if re.match(r"https?://", source) else source
    return re.split(r"[/\\:]", path.rstrip("/\\"))[-1] or source


def source_title(source: str) -> str:
    """Return the name of a source for a reader, with a note if its images are the generated samples."""
    imported = source.split("/")[0] == "data" and IMPORT.is_file()
    deps = (yaml_file.read(IMPORT) or {}).get("deps", []) if imported else []
    generated = source.split("/")[0] == SAMPLES or any(dep.get("path") == SAMPLES for dep in deps)
    return source_name(source) + (" (generated samples, images of no person)" if generated else "")


class Evaluate(Section):
    """How the test part is scored."""

    threshold: Threshold
    confidence: OpenFraction
    resamples: Annotated[StrictInt, Field(ge=100, le=100_000)]
    tta: Flips
    mistakes: Annotated[StrictInt, Field(ge=0, le=100)]


class Repeat(Section):
    """Cross-validation: the number of folds, the seeds per fold, which parts it covers, and which model is trained."""

    folds: Annotated[StrictInt, Field(ge=2, le=100)]
    seeds: Annotated[StrictInt, Field(ge=1, le=100)]
    over: Literal["train-val", "all"]
    model: Literal["network", "probe"]


class Export(Section):
    """What the bundle of the stage export adds to the network."""

    calibrate: Literal["temperature", "none"]


warnings.filterwarnings("ignore", 'Field name "register" in "Track"')  # ABCMeta has a method of this name


class Track(Section):
    """How runs are recorded in MLflow."""

    experiment: Name
    model: StrictBool
    register: Annotated[Name, Field(pattern=r"^[\w .-]+$")] | None = Field(...)  # else the method is its default


class Params(Section):
    """The whole experiment."""

    seed: Annotated[StrictInt, Field(ge=0, lt=2**31)]
    dataset: Dataset
    preprocess: Preprocess
    split: Split
    model: Model
    train: Train
    evaluate: Evaluate
    export: Export
    track: Track
    repeat: Repeat
    tune: Tune

    @model_validator(mode="after")
    def freezes_only_what_was_learned(self) -> Self:
        tune = self.train.fine_tune
        if (tune.frozen_epochs or tune.from_layer) and self.model.own().get("weights", "none") == "none":
            raise ValueError(
                f"train.fine_tune: expected frozen_epochs: 0 and no from_layer, since {self.model.name} starts from "
                "random weights, which would stay as they are"
            )
        return self

    def for_report(self) -> dict[str, Any]:
        """Return the values that determine a result, for a reader; of the source only its name."""
        values = self.model_dump(mode="json", exclude={"export", "track", "repeat", "tune"})
        values["dataset"]["source"] = source_title(self.dataset.source)
        return values
