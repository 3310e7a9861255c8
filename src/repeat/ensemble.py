"""Join the networks of all folds into one, whose probabilities are the mean of theirs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from src import models
from src.core import files
from src.core.paths import ModelFiles
from src.evaluate.cam import flattened
from src.metrics.objectives import Row
from src.train.stage import write as write_model
from src.train.stage import write_history

import keras


def average(members: Sequence[keras.Model]) -> keras.Model:
    """Return one network with the layers of all members, whose output is the mean of theirs.

    The layers are side by side, not nested in a submodel for each member, so that code which looks for layers finds
    them. Each is named after its member.
    """
    pixels = keras.Input(members[0].input_shape[1:], name="pixels")
    outputs = [_renamed(flattened(member), number, pixels).outputs[0] for number, member in enumerate(members, start=1)]
    mean = keras.layers.Average(name=models.OUTPUT)(outputs)
    return keras.Model(pixels, mean, name=f"{members[0].name}_x{len(members)}")


def _renamed(member: keras.Model, number: int, pixels: keras.KerasTensor) -> keras.Model:
    def renamed(layer: keras.layers.Layer) -> keras.layers.Layer:
        # Not a name such as concatenate_1, which Keras would give to a layer that is added later.
        return type(layer).from_config({**layer.get_config(), "name": f"{layer.name}_of_{number}"})

    copy = keras.models.clone_model(member, input_tensors=pixels, clone_function=renamed)
    copy.set_weights(member.get_weights())
    return copy


def write(paths: Sequence[Path], courses: Sequence[Sequence[Row]], classes: tuple[str, ...], out: ModelFiles) -> None:
    """Write the ensemble where evaluate and export find it, with the mean of the histories as its history."""
    write_model(average([models.load(path) for path in paths]), out.model)
    files.write_json(out.classes, list(classes))
    longest = max(courses, key=len)
    reached = ([course[epoch] for course in courses if len(course) > epoch] for epoch in range(len(longest)))
    write_history([{name: float(np.mean([row[name] for row in rows])) for name in rows[0]} for rows in reached], out)
