"""From any source to raw images and a manifest."""

from src.datasets.obtaining import download

__all__ = ["download"]
