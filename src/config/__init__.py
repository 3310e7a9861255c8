"""params.yaml as validated, frozen models: the whole file is checked before any stage does any work."""

from src.config.field_types import GROUP
from src.config.load import load, parse
from src.config.search_space import Pruner, Sampler, SpaceEntry, Tune
from src.config.sections import (
    Augment,
    Clahe,
    Crop,
    Dataset,
    Evaluate,
    Export,
    FineTune,
    Focal,
    KerasApplication,
    Model,
    Params,
    Preprocess,
    Schedule,
    Split,
    Track,
    Train,
    source_name,
    source_title,
)

__all__ = [
    "GROUP",
    "Augment",
    "Clahe",
    "Crop",
    "Dataset",
    "Evaluate",
    "Export",
    "FineTune",
    "Focal",
    "KerasApplication",
    "Model",
    "Params",
    "Preprocess",
    "Pruner",
    "Sampler",
    "Schedule",
    "SpaceEntry",
    "Split",
    "Track",
    "Train",
    "Tune",
    "load",
    "parse",
    "source_name",
    "source_title",
]
