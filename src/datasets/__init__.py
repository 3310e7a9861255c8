"""From any source to raw images and a manifest."""

from src.datasets.obtaining import run as download

__all__ = ["download"]
