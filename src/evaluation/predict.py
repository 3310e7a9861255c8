"""Runs the trained model over images of the packed store; all that evaluation knows of Keras."""

from pathlib import Path

import numpy as np

from src.evaluation.scored import Floats, Integers
from src.progress import track

BATCH = 64
DECIMALS = 8  # as written to predictions.csv, and what every score is computed from


def predict(model: Path, images: Path, rows: Integers, seed: int, threads: int) -> Floats:
    """Give the class probabilities (N, K) of the images at `rows`, rounded to eight decimals.

    images: uint8 (M, H, W, C), memory-mapped and read in batches. A single output is the probability of the
    second of two classes. seed and threads set TensorFlow up as for the training.
    """
    from src.training import runtime  # isort: skip  first: it sets what TensorFlow reads when it is loaded

    import keras
    import tensorflow as tf

    runtime.start(seed, threads)
    network = keras.saving.load_model(model, compile=False)
    step = tf.function(lambda batch: network(batch, training=False), reduce_retracing=True)
    store = np.load(images, mmap_mode="r")
    starts = range(0, len(rows), BATCH)
    outputs = [
        step(tf.constant(store[rows[start : start + BATCH]], dtype=tf.float32)).numpy()
        for start in track(starts, len(starts), "predict", "step")
    ]
    shape = (0, network.output_shape[-1])
    return complete(np.concatenate(outputs, dtype=np.float64) if outputs else np.zeros(shape))


def complete(outputs: Floats) -> Floats:
    """Turn outputs (N, 1) or (N, K) into rounded probabilities (N, K), K at least 2."""
    probabilities: Floats = np.round(outputs, DECIMALS)
    if probabilities.shape[1] == 1:
        return np.hstack([np.round(1 - probabilities, DECIMALS), probabilities])
    return probabilities
