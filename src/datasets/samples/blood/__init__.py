"""The parts of a generated blood smear under the microscope: red cells, one white cell, the slide, its copies."""

from src.datasets.samples.blood.augmented import augmented
from src.datasets.samples.blood.slide import draw

__all__ = ["augmented", "draw"]
