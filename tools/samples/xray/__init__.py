"""The parts of a generated frontal chest radiograph: body, bones, lungs, findings, exposure."""

from tools.samples.xray.exposure import Exposure
from tools.samples.xray.thorax import Thorax
from tools.samples.xray.view import draw

__all__ = ["Exposure", "Thorax", "draw"]
