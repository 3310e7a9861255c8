"""From any source to raw images and a manifest."""

from src.download.stage import run as download

__all__ = ["download"]
