"""What TensorFlow keeps of a training after all its objects are gone, given back."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from tensorflow.python.framework import ops

CUSTOM = "CustomGradient-"


@contextmanager
def released() -> Iterator[None]:
    """Forget the graphs of the block when it ends.

    TensorFlow files each custom gradient that it meets in a graph under a number of its own and never takes it out
    (tf.custom_gradient, in graph mode); with it stays the graph of the whole step, which is used no more: 7 MB a trial.
    """
    known: dict[str, object] = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    before = set(known)
    try:
        yield
    finally:
        for name in [name for name in known if name.startswith(CUSTOM) and name not in before]:
            del known[name]
        keras.utils.clear_session()
