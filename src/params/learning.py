"""The sections about models and their training."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt

from src.params.kinds import Count, Fraction, Number, OpenFraction, Rate, Section, Sha256, Share, Text, named

Optimizer = Annotated[str, named("training.optimizers:OPTIMIZERS")]
Backbone = Literal["DenseNet121", "EfficientNetV2B0", "MobileNetV3Large", "MobileNetV3Small", "ResNet50V2"]


class KerasApplication(Section):
    """What the model keras_application alone is varied in."""

    backbone: Backbone
    weights: Text
    sha256: Sha256 | None


class Model(Section):
    """The architecture and what it can be varied in; a section named like an architecture is read by that one alone."""

    name: Annotated[str, named("models")]
    dropout: Share
    stride: Annotated[StrictInt, Field(ge=1, le=8)]
    pooling: Literal["none", "average", "max"]
    keras_application: KerasApplication

    def own(self) -> dict[str, Any]:
        """Give the options that only the chosen architecture reads."""
        section = getattr(self, self.name, None)
        return section.model_dump() if isinstance(section, Section) else {}


class Augment(Section):
    """Random changes of each training image; the ranges are symmetric, as in Keras' ImageDataGenerator."""

    rotation: Annotated[float, Field(ge=0, le=180, strict=True)]
    shift: Annotated[float, Field(ge=0, lt=1, strict=True)]
    shear: Annotated[float, Field(ge=0, lt=90, strict=True)]
    zoom: Annotated[float, Field(ge=0, lt=1, strict=True)]
    brightness: Annotated[float, Field(ge=0, le=1, strict=True)]
    contrast: Annotated[float, Field(ge=0, lt=1, strict=True)]
    flip: Literal["none", "horizontal", "vertical", "both"]
    fill: Literal["nearest", "constant", "reflect", "wrap"]


class Schedule(Section):
    """How the learning rate changes from epoch to epoch."""

    name: Annotated[str, named("training.schedules:SCHEDULES")]
    warmup: Number
    every: Count
    factor: OpenFraction
    floor: Fraction


class Focal(Section):
    """The focal loss, where `balance` asks for it."""

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
    balance: Literal["none", "weights", "focal", "oversample", "undersample"]
    focal: Focal
    label_smoothing: Share
    fine_tune: FineTune
    patience: Count
    mixed_precision: StrictBool
    gpus: Annotated[StrictInt, Field(ge=1, le=1024)]
    threads: Annotated[StrictInt, Field(ge=1, le=256)]
    augment: Augment
