"""The scores of evaluate, computed on val for a model that was just trained."""

import keras
import numpy as np
import tensorflow as tf

from src.evaluation.metrics import calibration_error, measure
from src.evaluation.predict import BATCH, complete
from src.evaluation.scored import Floats, Scored
from src.evaluation.threshold import FALLBACK, choose
from src.training.batches import Batches
from src.training.data import Data


def judge(model: keras.Model, data: Data, rule: str | float, threads: int) -> dict[str, float]:
    """Give every score that evaluate gives of val, by name; those that cannot be told from it are left out.

    rule: of the threshold, which is chosen on val and used on it, as in the val scores of metrics.json.
    """
    scored = _scored(_probabilities(model, data, threads), data)
    cut = choose(scored.labels == 1, scored.probabilities[:, 1], rule).value if scored.binary else FALLBACK
    decisions = scored.decide(cut)
    values = measure(scored, decisions, np.ones((1, scored.size)))
    scores = {key[0]: float(value[0]) for key, value in values.items() if len(key) == 1}
    scores["calibration_error"] = calibration_error(scored, decisions)
    return {name: value for name, value in scores.items() if np.isfinite(value)}


def _probabilities(model: keras.Model, data: Data, threads: int) -> Floats:
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)]
    step = tf.function(lambda batch: model(batch, training=False), input_signature=signature)
    outputs = [
        step(tf.constant(pixels)).numpy() for pixels, _ in Batches(data.images, data.val, BATCH, threads).plain()
    ]
    return complete(np.concatenate(outputs, dtype=np.float64))


def _scored(probabilities: Floats, data: Data) -> Scored:
    count = len(data.val.rows)
    return Scored(
        classes=data.classes,
        rows=data.val.rows,
        paths=("",) * count,
        labels=data.val.targets,
        probabilities=probabilities,
        groups=np.arange(count),
        grouped=False,
    )
