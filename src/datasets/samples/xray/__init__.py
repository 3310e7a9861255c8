"""The parts of a generated frontal chest radiograph: body, bones, lungs, findings, exposure."""

from src.datasets.samples.xray.exposure import Exposure
from src.datasets.samples.xray.thorax import Thorax
from src.datasets.samples.xray.view import draw

__all__ = ["Exposure", "Thorax", "draw"]
