"""The sections about models and their training."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt

from src.params.kinds import Count, Fraction, Number, OpenFraction, Positive, Section, Sha256, Share, named

Optimizer = Annotated[str, named("training.optimizers:OPTIMIZERS")]
Backbone = Literal["DenseNet121", "EfficientNetV2B0", "MobileNetV3Large", "MobileNetV3Small", "ResNet50V2"]


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

    name: Annotated[str, named("training.schedules:SCHEDULES")] = "constant"
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
