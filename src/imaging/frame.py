"""What the steps of one image share besides the image."""

from dataclasses import dataclass
from typing import NamedTuple

from src.imaging.pixels import Pixels
from src.params import Preprocess


class Box(NamedTuple):
    """A part of an image in pixels; right and bottom are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass
class Frame:
    """The params of all steps, and what one step leaves for a later one."""

    section: Preprocess
    before_clahe: Pixels | None = None
    box: Box | None = None
