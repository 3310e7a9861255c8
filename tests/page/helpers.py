"""A bundle whose network is written down by hand as ONNX, so that no test of the page waits for TensorFlow."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from src.core import files
from src.core.paths import Bundle
from src.evaluate.report_warnings import Notice
from src.export import bundle, out_of_distribution
from src.export.bundle import Calibration, Data, Description, Network
from tests.images.helpers import save, section, smooth

CLASSES = ("NORMAL", "SICK")
SIDE, MAPS, STRIDE = 32, 4, 8
DANGER = "Parts are not apart: 3 groups stand in two parts."


def write(folder: Path) -> Bundle:
    """Write a bundle of a network with a convolution, an average of its maps and one output."""
    made = Bundle(folder)
    folder.mkdir(parents=True)
    onnx.save(_network(), made.network)
    images = np.stack([smooth(SIDE, SIDE, seed, 1) for seed in range(90)])[..., None]
    features = np.random.default_rng(0).normal(size=(90, MAPS))
    parts = {part: (images[part_::3], features[part_::3]) for part_, part in enumerate(("train", "val", "test"))}
    score = {"value": 0.9, "low": 0.8, "high": 0.95}
    about = Description(
        format=bundle.FORMAT,
        network=Network(name="by_hand", sha256=files.digest(made.network), shape=(SIDE, SIDE, 1)),
        data=Data(name="made", fingerprint="f" * 64),
        preparation=section("gray", "resize", image_size=SIDE),
        classes=CLASSES,
        threshold=0.4,
        calibration=Calibration(method="none", temperature=1.0, before={}, after={}),
        reference=out_of_distribution.fit(parts, np.arange(30)).model_copy(update={"limit": 3.0}),
        scores={"images": 30, "groups": 30, "auc": score, "accuracy": score},
        confidence=0.95,
        warnings=(Notice("bad", DANGER), Notice("good", "Files say little.")),
    )
    bundle.write(about, made.description)
    return made


def write_images(folder: Path, count: int = 3) -> list[Path]:
    """Write images such as the network was made for."""
    return [save(folder / f"slice_{number}.png", smooth(48, 64, number, 1)) for number in range(count)]


def _network() -> onnx.ModelProto:
    random = np.random.default_rng(1)
    shapes = {"kernel": (MAPS, 1, STRIDE, STRIDE), "weights": (MAPS, 1), "by_map": (1, MAPS, 1, 1)}
    values = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    values["kernel"] -= values["kernel"].mean(axis=(1, 2, 3), keepdims=True)  # some places speak for it, some against
    values["by_map"] = values["weights"].reshape(shapes["by_map"])
    node = helper.make_node
    nodes = [
        node("Transpose", ["pixels"], ["image"], perm=[0, 3, 1, 2]),
        node("Div", ["image", "white"], ["scaled"]),
        node("Conv", ["scaled", "kernel"], ["maps"], strides=[STRIDE, STRIDE]),
        node("GlobalAveragePool", ["maps"], ["pooled"]),
        node("Flatten", ["pooled"], ["features"]),
        node("MatMul", ["features", "weights"], ["logit"]),
        node("Sigmoid", ["logit"], ["probability"]),
        node("Mul", ["maps", "by_map"], ["weighted"]),
        node("ReduceSum", ["weighted", "axes"], ["summed"], keepdims=1),
        node("Transpose", ["summed"], ["cam"], perm=[0, 2, 3, 1]),
    ]
    constants = {**values, "white": np.float32(255), "axes": np.array([1])}
    places = SIDE // STRIDE
    outputs = {"probability": (1,), "features": (MAPS,), "cam": (places, places, 1)}
    graph = helper.make_graph(
        nodes,
        "by_hand",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ("N", SIDE, SIDE, 1))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("N", *shape)) for name, shape in outputs.items()],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
