"""A bundle gives for a raw file what the pipeline gives, is the same when made twice, and says what is wrong."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from src.core.errors import AssayError
from src.core.files import read_csv
from src.core.paths import Bundle
from src.export import load
from src.export.predictor import Prediction, Predictor, Source, of_class
from src.images.store import open_images, read_index
from src.metrics.calibration import scaled
from tests.export.helpers import CLASSES, SIDE, Built, built

THREE = ("A", "B", "C")


def all_predicted(made: Built, predictor: Predictor) -> list[Prediction]:
    names = read_index(made.prepared)["path"].tolist()
    found = list(predictor.predict_all([Source(name, made.raw.folder / name) for name in names]))
    assert all(isinstance(each, Prediction) for each in found)
    return found  # type: ignore[return-value]


def copy(made: Built, folder: Path) -> Path:
    return Path(shutil.copytree(made.bundle.folder, folder / "bundle"))


@pytest.mark.parametrize(("classes", "pooling"), [(CLASSES, "average"), (THREE, "none")])
def test_a_raw_file_of_any_format_gives_the_pixels_and_probabilities_of_the_pipeline(
    classes: tuple[str, ...], pooling: str
) -> None:
    made = built(classes, pooling)
    found = all_predicted(made, load(made.bundle.folder))
    assert len({Path(each.name).suffix for each in found}) >= 9
    for each, prepared in zip(found, open_images(made.prepared), strict=True):
        np.testing.assert_array_equal(each.image, prepared, err_msg=each.name)
    predictions = read_csv(made.evaluation.predictions)
    assert len(predictions) > 20
    for line in predictions:
        each = found[int(line["row"])]
        expected = [float(line[f"p_{name}"]) for name in classes]
        assert list(each.uncalibrated.values()) == pytest.approx(expected, abs=1e-5)


def test_class_activation_maps_are_those_of_the_report() -> None:
    from src import models
    from src.evaluate import cam

    made = built()
    found = load(made.bundle.folder).predict(made.raw.folder / "SICK" / "01.png")
    network = models.load(made.model.model)
    assert found.maps is not None
    for number in (0, 1):
        expected = cam.cam(network, found.image[None], np.array([number]))
        assert expected is not None
        np.testing.assert_allclose(of_class(found.maps, number), expected[0], atol=1e-4)


def test_a_network_without_such_maps_is_explained_by_occlusion() -> None:
    made = built(THREE, "none")
    predictor = load(made.bundle.folder)
    found = predictor.predict(made.raw.folder / "A" / "00.png")
    assert found.maps is None
    assert predictor.explain(found, "B").shape == (SIDE, SIDE, 3)
    with pytest.raises(AssayError, match="expected one of the classes A, B, C, found 'D'"):
        predictor.explain(found, "D")


def test_the_temperature_lowers_the_loss_on_val_and_changes_no_decision() -> None:
    made = built()
    predictor = load(made.bundle.folder)
    about = predictor.about
    assert about.calibration.temperature != 1
    assert about.calibration.after["val"]["log_loss"] < about.calibration.before["val"]["log_loss"]
    cut = json.loads(made.evaluation.metrics.read_text())["threshold"]
    found = all_predicted(made, predictor)
    assert len({each.label for each in found}) == 2
    for each in found:
        assert each.label == CLASSES[each.uncalibrated["SICK"] >= cut]
        raw = np.array([list(each.uncalibrated.values())])
        expected = scaled(raw, about.calibration.temperature)[0]
        assert list(each.probabilities.values()) == pytest.approx(expected, abs=1e-9)
        assert each.probability == each.probabilities["SICK"]


def test_without_calibration_the_probabilities_are_those_of_evaluate(tmp_path: Path) -> None:
    made = built()
    out = made.export(Bundle(tmp_path / "plain"), "none")
    each = load(out.folder).predict(made.raw.folder / "NORMAL" / "gray.png")
    assert each.probabilities == each.uncalibrated


def test_two_exports_write_the_same_bytes(tmp_path: Path) -> None:
    import keras

    made = built()
    keras.layers.Dense(3)  # moves the counter of names
    again = made.export(Bundle(tmp_path / "again"))
    for path in (again.network, again.description, again.card):
        assert path.read_bytes() == (made.bundle.folder / path.name).read_bytes(), path.name


def test_the_card_tells_scores_calibration_and_that_it_is_no_medical_device() -> None:
    card = built().bundle.card.read_text(encoding="utf-8")
    for words in ("not a medical device", "| ROC AUC |", "Calibration error", "unlike", "Positive: SICK"):
        assert words in card


def test_a_zip_of_a_bundle_is_a_bundle(tmp_path: Path) -> None:
    made = built()
    archive = shutil.make_archive(str(tmp_path / "b"), "zip", made.bundle.folder.parent, made.bundle.folder.name)
    image = made.raw.folder / "NORMAL" / "gray.png"
    assert load(archive).predict(image) == load(made.bundle.folder).predict(image)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.onnx", None, "expected a bundle, found no model.onnx in it; make one with `dvc repro export`"),
        ("bundle.json", None, "expected a bundle, found no bundle.json in it"),
        ("model.onnx", b"other", r"model.onnx: expected the network that bundle.json describes .*, found another"),
        ("bundle.json", b"other", "bundle.json: expected JSON, found something else"),
        ("bundle.json", b'{"format": 2}', "bundle.json: expected the format 1, found 2"),
    ],
)
def test_a_missing_or_wrong_file_is_one_line(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    folder = copy(built(), tmp_path)
    (folder / name).write_bytes(content) if content else (folder / name).unlink()
    with pytest.raises(AssayError, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_what_is_no_bundle_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="expected a bundle, found nothing"):
        load(tmp_path / "nothing")
    (tmp_path / "a.zip").write_bytes(b"text")
    with pytest.raises(AssayError, match=r"expected the folder or the .zip of a bundle"):
        load(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(AssayError, match=r"found no bundle.json"):
        load(tmp_path / "b.zip")


def test_images_unlike_those_of_the_training_are_flagged_and_its_own_are_not() -> None:
    made = built()
    predictor = load(made.bundle.folder)
    own = [each for each in all_predicted(made, predictor) if "/" in each.name and Path(each.name).stem.isdigit()]
    assert sum("unlike" in each.flags for each in own) <= 2
    noise = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
    stripes = np.tile(np.array([0, 255], np.uint8), (80, 40))
    from tests.images.helpers import save

    for name, image in {"noise": noise, "stripes": stripes}.items():
        found = predictor.predict(save(made.folder / f"{name}.png", image))
        assert "unlike" in found.flags, (name, found.distance)
    flat = predictor.predict(save(made.folder / "flat.png", np.full((80, 80), 90, np.uint8)))
    assert {"unlike", "flat"} <= set(flat.flags)
