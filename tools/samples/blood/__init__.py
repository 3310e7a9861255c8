"""The parts of a generated blood smear under the microscope: red cells, one white cell, the slide, its copies."""

from tools.samples.blood.augmented import augmented
from tools.samples.blood.slide import draw

__all__ = ["augmented", "draw"]
