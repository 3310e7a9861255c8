"""Imports TensorFlow once, in the same way everywhere, and reads trained models from their files.

Numerics are fixed and start-up messages are hidden, but errors are shown.
"""

import logging
import os
import re
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from src.core import files, random_streams
from src.core.errors import AssayError

log = logging.getLogger(__name__)
STDERR = 2
# TensorFlow writes these despite its log level: information; on a machine without a GPU, that CUDA is absent; and in
# Keras' predict, an attribute that by its own words "will be ignored".
CHATTER = re.compile(
    rb"^(I\d{4} |WARNING: All log messages before absl|E\d{4} .*(failed call to cuInit|use_unbounded_threadpool))"
)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Capture what native code writes to stderr inside the block, and write it afterwards without start-up chatter."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, STDERR)
            os.close(kept)
            captured.seek(0)
            os.write(STDERR, b"".join(line for line in captured if not CHATTER.match(line)))


# TensorFlow reads these on import. Weights depend on whether oneDNN is on, so it is not left to the machine's default.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # a GPU is shared with other processes

# Keras, which TensorFlow loads, imports these if they are installed. Nothing here needs them, and they take half of its
# start-up time.
UNUSED = ("sklearn", "matplotlib", "pandas", "scipy")
hidden = [name for name in UNUSED if sys.modules.setdefault(name, None) is None]  # type: ignore[arg-type]
try:
    with without_chatter():
        import keras
        import tensorflow as tf
        from tensorflow.python.framework import ops

        tf.config.list_physical_devices()  # looks for CUDA now, while its complaint is captured
finally:
    for name in hidden:
        del sys.modules[name]


def start(seed: int, threads: int) -> None:
    """Make everything that follows depend on the seed alone, and give TensorFlow this many threads.

    Resets the counters of layer names, since names are part of a saved model.
    """
    _use(threads)
    cv2.setNumThreads(1)  # one small image is too little to share: more threads are no faster and take twice the CPU
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(random_streams.derive(seed, "weights"))
    tf.config.experimental.enable_op_determinism()


@contextmanager
def released() -> Iterator[None]:
    """Delete the graphs that were built inside the block when it ends.

    In graph mode, TensorFlow registers each custom gradient (tf.custom_gradient) under a number and never removes it.
    This keeps the graph of the whole step alive although it is no longer used: 7 MB per trial.
    """
    known: dict[str, object] = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    before = set(known)
    try:
        yield
    finally:
        for name in [name for name in known if name.startswith("CustomGradient-") and name not in before]:
            del known[name]
        keras.utils.clear_session()


def _use(threads: int) -> None:
    options = tf.config.threading
    if options.get_intra_op_parallelism_threads() == options.get_inter_op_parallelism_threads() == threads:
        return
    try:
        options.set_intra_op_parallelism_threads(threads)
        options.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        log.warning("TensorFlow already runs in this process: train.threads %d has no effect on it", threads)


def load(path: Path) -> keras.Model:
    """Read a trained model for prediction.

    Raises:
        AssayError: the file is missing or is not a Keras model.
    """
    if not path.is_file():
        raise AssayError(f"{path}: not found; run the stage train with `dvc repro train`")
    if not zipfile.is_zipfile(path):
        raise AssayError(f"{path}: expected a Keras model, found something else")
    return keras.saving.load_model(path, compile=False)


def load_weights(
    network: keras.Model, kind: str, key: str, path: Path, sha256: str | None, read: Callable[[Path], None]
) -> None:
    """Fill a network from a file with this checksum: by the names of layers in a model.keras, or else with `read`.

    kind: the network that the weights must be of, for messages. key: the section of params.yaml that names the file.

    Raises:
        AssayError: the file does not exist, has another checksum, or holds something else.
    """
    if not path.is_file():
        raise AssayError(f"{key}.weights: expected none, imagenet or the path of a file, found {str(path)!r}")
    if (found := files.digest(path)) != sha256:
        raise AssayError(f"{key}.sha256: expected that of {path}, {found}; found {sha256}")
    try:
        with warnings.catch_warnings(action="ignore"):  # Keras tries other formats first
            if path.suffix != ".keras":
                read(path)
                return
            trained = keras.saving.load_model(path, compile=False)
            for layer in network.layers:
                if layer.weights:
                    layer.set_weights(trained.get_layer(layer.name).get_weights())
    except (ValueError, KeyError, OSError) as error:
        raise AssayError(f"{key}.weights: expected weights of {kind}, found something else in {path}") from error
