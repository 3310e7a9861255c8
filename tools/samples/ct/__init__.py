"""The parts of a generated axial chest CT slice, in Hounsfield units: anatomy, vessels, findings, scanner."""

from tools.samples.ct.slices import draw

__all__ = ["draw"]
