"""The ensemble of the folds is one network whose probability is the mean, for evaluate and export as well."""

from pathlib import Path

import numpy as np
import pytest

from src import models
from src.core.paths import ModelFiles
from src.export import network
from src.repeat import ensemble
from src.train.stage import COLUMNS, write

import keras

SHAPE = (24, 24, 1)
PIXELS = np.random.default_rng(1).integers(0, 256, (5, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[np.ndarray], ModelFiles]:
    """Give what two networks say, and the ensemble of them as it is written."""
    folder = tmp_path_factory.mktemp("ensemble")
    said, courses = [], []
    for number in (1, 2):
        keras.utils.set_random_seed(number)
        member = models.build("compact_cnn", SHAPE, 2, pooling="average")
        random = np.random.default_rng(number)
        member.set_weights([each + random.normal(0, 0.1, each.shape) for each in member.get_weights()])
        member.layers[-1].kernel.assign(member.layers[-1].kernel / 20)  # or every probability would be 0 or 1
        said.append(member.predict(PIXELS, verbose=0))
        write(member, folder / f"{number}.keras")
        courses.append([dict.fromkeys(COLUMNS, float(number)) | {"epoch": 1}] * number)
    out = ModelFiles(folder / "whole")
    out.folder.mkdir()
    ensemble.write([folder / "1.keras", folder / "2.keras"], courses, ("a", "b"), out)
    return said, out


def test_its_probability_is_the_mean(whole: tuple[list[np.ndarray], ModelFiles]) -> None:
    said, out = whole
    assert np.abs(said[0] - said[1]).max() > 1e-3
    np.testing.assert_allclose(models.load(out.model).predict(PIXELS, verbose=0), np.mean(said, axis=0), atol=1e-6)
    assert [line.split(",")[1] for line in out.history.read_text().splitlines()[1:]] == ["1.500000", "2.000000"]


def test_the_export_gives_the_mean_of_mirror_images_and_all_features(
    whole: tuple[list[np.ndarray], ModelFiles], tmp_path: Path
) -> None:
    import onnxruntime

    found = models.load(whole[1].model)
    network.write(network.with_outputs(found, "horizontal"), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    probability, features = session.run(["probability", "features"], {session.get_inputs()[0].name: PIXELS})
    mirrored = [found.predict(each, verbose=0) for each in (PIXELS, PIXELS[:, :, ::-1])]
    assert np.abs(mirrored[0] - mirrored[1]).max() > 1e-4
    np.testing.assert_allclose(probability, np.mean(mirrored, axis=0), atol=1e-5)
    single = models.build("compact_cnn", SHAPE, 2, pooling="average").layers[-1].input.shape[1]
    assert features.shape == (5, 2 * single)


def test_networks_with_branches_keep_names_that_nothing_added_later_gets() -> None:
    members = [models.build("reduced_inception", SHAPE, 2, pooling="average") for _ in range(2)]
    whole = ensemble.average(members)
    for before in range(3):  # layers that Keras has named by itself; the next ones get the next numbers
        keras.utils.clear_session(free_memory=False)
        for _ in range(before):
            keras.layers.Concatenate()
        assert "features" in network.with_outputs(whole).output
