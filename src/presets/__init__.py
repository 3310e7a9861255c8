"""Known experiments as complete params files, presets/NAME.yaml, and how one takes the place of params.yaml."""

from src.presets.editing import given
from src.presets.putting import keep, made, put
from src.presets.reading import Preset, names, path, read

__all__ = ["Preset", "given", "keep", "made", "names", "path", "put", "read"]
