"""Known experiments as complete params files, presets/NAME.yaml, and how one takes the place of params.yaml."""

from src.presets.catalog import Preset, given, made, names, path, read, replace

__all__ = ["Preset", "given", "made", "names", "path", "read", "replace"]
