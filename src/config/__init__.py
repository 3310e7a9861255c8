"""params.yaml as validated, frozen models: the whole file is checked before any stage does any work."""

from src.config.field_types import GROUP as GROUP
from src.config.load import load as load
from src.config.load import parse as parse
from src.config.search_space import Pruner as Pruner
from src.config.search_space import Sampler as Sampler
from src.config.search_space import SpaceEntry as SpaceEntry
from src.config.sections import Augment as Augment
from src.config.sections import Clahe as Clahe
from src.config.sections import Crop as Crop
from src.config.sections import Dataset as Dataset
from src.config.sections import Evaluate as Evaluate
from src.config.sections import Export as Export
from src.config.sections import FineTune as FineTune
from src.config.sections import Focal as Focal
from src.config.sections import Model as Model
from src.config.sections import Params as Params
from src.config.sections import Preprocess as Preprocess
from src.config.sections import Repeat as Repeat
from src.config.sections import Schedule as Schedule
from src.config.sections import Split as Split
from src.config.sections import Train as Train
from src.config.sections import source_name as source_name
from src.config.sections import source_title as source_title
