"""Architectures, one file each; the file's name is the model's name in params.yaml.

A model file defines only ``features(image, *, dropout, stride, pooling)``: from a tensor (N, H, W, C) of pixels
scaled to [0, 1] to a tensor (N, F). Input scaling and output layer are shared by all. A model that uses only some of
the three shared options lists these in ``OPTIONS``. Options of one model alone are further arguments of its
``features``, and a section with that model's name in params.yaml.
"""

from src.models import _load  # noqa: F401  first: it sets variables that TensorFlow reads on import
from src.models._build import OUTPUT, build
from src.models._load import load, released, start

__all__ = ["OUTPUT", "build", "load", "released", "start"]
