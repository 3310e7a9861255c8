"""The networks of the walk-throughs have the layers and widths that were published."""

import numpy as np

from src.models import build


def kinds(model) -> list[str]:
    return [type(item).__name__ for item in model.layers][2:]


def of(model, kind: str) -> list:
    return [item for item in model.layers if type(item).__name__ == kind]


def test_blood_cnn() -> None:
    model = build("blood_cnn", (60, 80, 3), 4, dropout=0.5)
    assert kinds(model) == ["Conv2D", "Conv2D", "MaxPooling2D", "Dropout", "Flatten", "Dense", "Dropout", "Dense"]
    assert [item.rate for item in of(model, "Dropout")] == [0.25, 0.5]
    convolutions = (27 + 1) * 32 + (9 * 32 + 1) * 64
    assert model.count_params() == convolutions + (28 * 38 * 64 + 1) * 128 + (128 + 1) * 4


def test_blood_cnn_changes_the_dense_dropout_alone() -> None:
    model = build("blood_cnn", (60, 80, 3), 4, dropout=0.1)
    assert [item.rate for item in of(model, "Dropout")] == [0.25, 0.1]


def fire(inputs: int, squeeze: int, expand: int) -> int:
    """Count weights: 1x1, then 1x1 and 3x3 of half the width each, and four numbers a map for normalization."""
    half = expand // 2
    return (inputs + 1) * squeeze + (squeeze + 1) * half + (9 * squeeze + 1) * half + 4 * (squeeze + expand)


def test_blood_fire() -> None:
    model = build("blood_fire", (128, 128, 3), 4, pooling="average")
    modules = [(12, 12, 24), (24, 24, 48), (48, 32, 64), (64, 24, 48), (48, 18, 36), (36, 12, 24)]
    first = (75 + 1) * 12 + 4 * 12
    assert model.count_params() == first + sum(fire(*sizes) for sizes in modules) + (24 + 1) * 4
    assert [item.output.shape[1:3] for item in of(model, "MaxPooling2D")] == [(2**n, 2**n) for n in (6, 5, 4, 3, 2)]
    assert {item.momentum for item in of(model, "BatchNormalization")} == {0.85}
    assert kinds(model)[-2:] == ["GlobalAveragePooling2D", "Dense"]
    assert not of(model, "Dropout")


def test_malaria_cnn() -> None:
    model = build("malaria_cnn", (70, 70, 1), 2)
    assert kinds(model) == [*["Conv2D", "MaxPooling2D"] * 3, "Flatten", "Dense", "Dense", "Dense"]
    convolutions = (9 + 1) * 64 + 2 * (9 * 64 + 1) * 64
    assert model.count_params() == convolutions + (7 * 7 * 64 + 1) * 64 + (64 + 1) * 64 + (64 + 1)


def test_separable() -> None:
    model = build("separable", (180, 180, 3), 2, dropout=0.7)
    block = ["SeparableConv2D", "SeparableConv2D", "BatchNormalization", "MaxPooling2D"]
    dense = ["Dense", "BatchNormalization", "Dropout"]
    convolved = [*block, *block, *block, "Dropout", *block, "Dropout"]
    assert kinds(model) == ["Conv2D", "Conv2D", "MaxPooling2D", *convolved, "Flatten", *dense * 3, "Dense"]
    assert [item.filters for item in of(model, "SeparableConv2D")] == [32, 32, 64, 64, 128, 128, 256, 256]
    assert [item.units for item in of(model, "Dense")] == [512, 128, 64, 1]
    assert of(model, "Flatten")[0].output.shape == (None, 5 * 5 * 256)
    np.testing.assert_allclose([item.rate for item in of(model, "Dropout")], [0.2, 0.2, 0.7, 0.5, 0.3])
