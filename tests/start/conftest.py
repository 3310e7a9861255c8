"""The small repository of the presets' tests, where `python -m src.start` is used too."""

from tests.presets.conftest import home

__all__ = ["home"]
