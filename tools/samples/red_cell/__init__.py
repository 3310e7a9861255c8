"""The parts of one generated red cell of a thin blood film: outline, what it carries, how it was cut out."""

from tools.samples.red_cell.cutout import Film, draw

__all__ = ["Film", "draw"]
