"""The sections of params.yaml, one frozen model each; every field states what is allowed."""

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from src import plugins
from src.nearest import suggestion

Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]
OpenFraction = Annotated[float, Field(gt=0, lt=1, strict=True)]
Positive = Annotated[float, Field(gt=0, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]
Count = Annotated[StrictInt, Field(ge=1)]
Number = Annotated[StrictInt, Field(ge=0)]
Optimizer = Literal["adadelta", "adagrad", "adam", "adamw", "rmsprop", "sgd"]
Backbone = Literal["DenseNet121", "EfficientNetV2B0", "MobileNetV3Large", "MobileNetV3Small", "ResNet50V2"]
THRESHOLD_RULES = ("youden", "f1")
RATIO_TOLERANCE = 1e-6
GROUP = "group"


def named(package: str) -> AfterValidator:
    """Accept only the name of a module in a package below src, without importing it."""

    def check(name: str) -> str:
        known = plugins.names(package)
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}{suggestion(name, known)}")
        return name

    return AfterValidator(check)


def _odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError("expected an odd number")
    return number


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("expected 64 hexadecimal digits")
    return text


def _group_pattern(text: str) -> str:
    try:
        named_groups = re.compile(text).groupindex
    except re.error as error:
        raise ValueError(f"expected a regular expression ({error})") from error
    if GROUP not in named_groups:
        raise ValueError(f"expected a regular expression with a named group, (?P<{GROUP}>...)")
    return text


def _threshold(value: str | float) -> str | float:
    if not (value in THRESHOLD_RULES if isinstance(value, str) else 0 < value < 1):
        raise ValueError(f"expected {', '.join(THRESHOLD_RULES)} or a number between 0 and 1")
    return value


Sha256 = Annotated[str, AfterValidator(_sha256)]
GroupPattern = Annotated[str, AfterValidator(_group_pattern)]
Threshold = Annotated[str | float, AfterValidator(_threshold)]


def source_name(source: str) -> str:
    """Name a source without the machine's folders or a URL's host and query.

    >>> source_name("/home/me/data/covid_ct.zip"), source_name("https://host/a/b.zip?key=1"), source_name("kaggle:me/b")
    ('covid_ct.zip', 'b.zip', 'b')
    """
    path = urlsplit(source).path if re.match(r"https?://", source) else source
    return re.split(r"[/\\:]", path.rstrip("/\\"))[-1] or source


class Section(BaseModel):
    """A part of params.yaml: unknown keys are refused, values cannot be changed once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Dataset(Section):
    """Where the images come from and how labels, groups and folds are read from them."""

    source: Annotated[str, Field(min_length=1)]
    layout: Annotated[str, named("datasets.layouts")]
    positive: Annotated[str, Field(min_length=1)] | None = None
    merge: dict[str, Annotated[str, Field(min_length=1)]] = {}
    group_pattern: GroupPattern | None = None
    sha256: Sha256 | None = None
    max_unpacked_gb: Positive = 20.0


class Clahe(Section):
    """Contrast limited adaptive histogram equalization."""

    clip_limit: Positive = 3.0
    tile_grid: Annotated[StrictInt, Field(ge=1, le=64)] = 8


class Crop(Section):
    """How the body is found: lengths in pixels of the working size, grey levels of 0..255."""

    blur: Annotated[StrictInt, Field(ge=1, le=31), AfterValidator(_odd)] = 3
    threshold: Annotated[StrictInt, Field(ge=0, le=255)] = 50
    min_area: Annotated[StrictInt, Field(ge=0)] = 200
    max_area: Fraction = 0.5
    narrow: Annotated[StrictInt, Field(ge=0)] = 50
    long: Annotated[StrictInt, Field(ge=0)] = 150
    min_box: Fraction = 0.0


class Preprocess(Section):
    """What is done to each image before it is packed, in the order of `steps`."""

    size: Annotated[StrictInt, Field(ge=8, le=2048)]
    color: Literal["gray", "rgb"]
    steps: Annotated[tuple[Annotated[str, named("imaging.steps")], ...], Field(min_length=1)]
    working_size: Annotated[StrictInt, Field(ge=8, le=4096)] = 512
    detail: Annotated[StrictInt, Field(ge=8, le=4096)] = 256
    clahe: Clahe = Clahe()
    crop: Crop = Crop()
    max_megapixels: Positive = 100.0
    max_rejected: Fraction = 0.05


class Split(Section):
    """How the images are divided into train, val and test."""

    train: OpenFraction
    val: OpenFraction
    test: OpenFraction
    by: Literal["group", "image"] = "group"
    folds: Literal["ignore", "respect"] = "ignore"
    leaks: Literal["fail", "warn"] = "warn"

    @model_validator(mode="after")
    def sums_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > RATIO_TOLERANCE:
            raise ValueError(f"expected train + val + test to be 1; found {total:g}")
        return self


class KerasApplication(Section):
    """What the model keras_application alone is varied in."""

    backbone: Backbone = "MobileNetV3Small"
    weights: Annotated[str, Field(min_length=1)] = "none"
    sha256: Sha256 | None = None


class Model(Section):
    """The architecture and what it can be varied in; a section named like an architecture is read by that one alone."""

    name: Annotated[str, named("models")]
    dropout: Share = 0.5
    stride: Annotated[StrictInt, Field(ge=1, le=8)] = 1
    pooling: Literal["none", "average", "max"] = "none"
    keras_application: KerasApplication = KerasApplication()

    def own(self) -> dict[str, Any]:
        """Give the options that only the chosen architecture reads."""
        section = getattr(self, self.name, None)
        return section.model_dump() if isinstance(section, Section) else {}


class Augment(Section):
    """Random changes of each training image; the ranges are symmetric, as in Keras' ImageDataGenerator."""

    rotation: Annotated[float, Field(ge=0, le=180, strict=True)] = 0.0
    shift: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.0
    shear: Annotated[float, Field(ge=0, lt=90, strict=True)] = 0.0
    zoom: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.0
    brightness: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0.0
    flip: Literal["none", "horizontal", "vertical", "both"] = "none"
    fill: Literal["nearest", "constant", "reflect", "wrap"] = "nearest"


class Schedule(Section):
    """How the learning rate changes from epoch to epoch."""

    name: Literal["constant", "step", "cosine", "plateau"] = "constant"
    warmup: Number = 0
    every: Count = 10
    factor: OpenFraction = 0.5
    floor: Fraction = 0.0


class Focal(Section):
    """The focal loss, where `balance` asks for it."""

    gamma: Annotated[float, Field(ge=0, strict=True)] = 2.0
    alpha: OpenFraction = 0.25


class FineTune(Section):
    """Training in two phases: the output layer alone, then more of the model."""

    frozen_epochs: Number = 0
    from_layer: Annotated[str, Field(min_length=1)] | None = None
    learning_rate: Positive | None = None


class Train(Section):
    """How the model is fitted."""

    epochs: Count
    batch_size: Count
    optimizer: Optimizer
    learning_rate: Positive | None = None
    momentum: Share = 0.9
    weight_decay: Annotated[float, Field(ge=0, strict=True)] = 0.004
    clip_norm: Positive | None = None
    schedule: Schedule = Schedule()
    balance: Literal["none", "weights", "focal", "oversample", "undersample"] = "none"
    focal: Focal = Focal()
    label_smoothing: Share = 0.0
    fine_tune: FineTune = FineTune()
    patience: Count = 20
    mixed_precision: StrictBool = False
    gpus: Count = 1
    threads: Annotated[StrictInt, Field(ge=1, le=256)] = 2
    augment: Augment = Augment()


class Evaluate(Section):
    """How the scores on the test part are made."""

    threshold: Threshold = "youden"
    confidence: OpenFraction = 0.95
    resamples: Annotated[StrictInt, Field(ge=100, le=100_000)] = 1000
    mistakes: Annotated[StrictInt, Field(ge=0, le=100)] = 12


class Track(Section):
    """Where MLflow files the runs."""

    experiment: Annotated[str, Field(min_length=1)]
    model: StrictBool = True


class Params(Section):
    """The whole experiment."""

    seed: Annotated[StrictInt, Field(ge=0, lt=2**31)]
    dataset: Dataset
    preprocess: Preprocess
    split: Split
    model: Model
    train: Train
    evaluate: Evaluate
    track: Track

    def shown(self) -> dict[str, Any]:
        """Give all that determines a result, for a reader: the source by its name alone, without folders or a query."""
        values = self.model_dump(mode="json", exclude={"track"})
        values["dataset"]["source"] = source_name(self.dataset.source)
        return values
