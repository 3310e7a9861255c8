"""What a training depends on, as one hash."""

import hashlib
import json

import keras
import tensorflow as tf

from src.params import Model, Train
from src.training.data import Data


def digest(data: Data, model: Model, section: Train, seed: int) -> str:
    """Hash parameters, seed, library versions, class names, and the images and targets of both parts."""
    words = [model.model_dump_json(), section.model_dump_json(), str(seed), tf.__version__, keras.__version__]
    content = hashlib.sha256(json.dumps([*words, *data.classes]).encode())
    for part in (data.train, data.val):
        content.update(part.rows.tobytes())
        content.update(part.targets.tobytes())
        for row in part.rows:
            content.update(data.images[row])
    return content.hexdigest()
