"""params.yaml as validated, frozen models: the whole file is checked before any stage does any work."""

from src.params.data import Clahe, Crop, Dataset, Preprocess, Split
from src.params.kinds import GROUP
from src.params.learning import Augment, FineTune, Focal, KerasApplication, Model, Schedule, Train
from src.params.loading import load, parse
from src.params.sections import Evaluate, Params, Track, source_name
from src.params.tuning import Entry, Pruner, Sampler, Tune

__all__ = [
    "GROUP",
    "Augment",
    "Clahe",
    "Crop",
    "Dataset",
    "Entry",
    "Evaluate",
    "FineTune",
    "Focal",
    "KerasApplication",
    "Model",
    "Params",
    "Preprocess",
    "Pruner",
    "Sampler",
    "Schedule",
    "Split",
    "Track",
    "Train",
    "Tune",
    "load",
    "parse",
    "source_name",
]
