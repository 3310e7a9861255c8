"""A linear probe and the nearest neighbours are scored on the split of the model; pairs across parts are shown."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core import files
from src.core.errors import AssayError
from src.core.paths import ProbeFiles
from src.probe import feature_network, stage
from tests.evaluate.helpers import Build, folders, write_store

CLASSES = ("ill", "well")
INTERVALS = stage.Intervals(0.95, 100)


def probe(build: Build, root: Path, positive: str | None = "ill") -> dict[str, Any]:
    out = ProbeFiles(root / "probe")
    stage.run(build.prepared, build.split, out, INTERVALS, 42, positive)
    found: dict[str, Any] = files.read_json(out.scores)
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pixels themselves be the features."""
    flat = lambda images, rows: images[rows].reshape(len(rows), -1).astype("f4")  # noqa: E731
    monkeypatch.setattr(feature_network, "features", flat)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Give a store whose first image of train stands in test as well, where it may have another label."""
    build = folders(tmp_path_factory.mktemp("probe"))
    write_store(build, CLASSES, images=90)
    pixels = np.load(build.prepared.images)
    parts = [line["part"] for line in files.read_csv(build.split.parts, ("part",))]
    first, last = parts.index("train"), len(parts) - 1 - parts[::-1].index("test")
    pixels[last] = pixels[first]
    np.save(build.prepared.images, pixels)
    return build


def test_frozen_features_of_photographs_tell_the_classes_and_are_kept(store: Build, tmp_path: Path) -> None:
    """Brightness hints at the class, and the features see brightness."""
    found = probe(store, tmp_path)
    parts = stage.read(store.prepared, store.split, "ill")[0]
    assert found["features"] == {"network": "efficientnet_lite0", "train_images": len(parts["train"].rows)}
    for name in ("probe", "neighbours"):
        auc = found[name]["auc"]
        assert 0.6 < auc["value"] < 1
        assert auc["low"] < auc["value"] < auc["high"]
    with np.load(tmp_path / "probe" / "features.npz") as kept:
        features = feature_network.features(np.load(store.prepared.images), kept["rows"][:3])
        np.testing.assert_allclose(kept["features"][:3], features, rtol=1e-2, atol=1e-3)


@pytest.mark.usefixtures("quick")
def test_sensitivity_is_of_the_positive_class(store: Build, tmp_path: Path) -> None:
    found, other = (probe(store, tmp_path, positive) for positive in CLASSES)
    assert other["probe"]["auc"]["value"] == pytest.approx(found["probe"]["auc"]["value"])
    assert other["probe"]["sensitivity"] == found["probe"]["specificity"]


@pytest.mark.usefixtures("quick")
def test_the_same_image_in_two_parts_is_the_most_alike_pair(store: Build, tmp_path: Path) -> None:
    first = probe(store, tmp_path)["alike"][0]
    assert first["similarity"] == 1.0
    rows = [int(Path(first[part]).stem.removeprefix("image ")) for part in ("train", "test")]
    one, two = np.load(store.prepared.images)[rows]
    np.testing.assert_array_equal(one, two)


@pytest.mark.usefixtures("quick")
def test_equal_inputs_give_equal_bytes(store: Build, tmp_path: Path) -> None:
    for name in ("a", "b"):
        probe(store, tmp_path / name)
    one, two = (sorted((tmp_path / name / "probe").iterdir()) for name in ("a", "b"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.usefixtures("quick")
def test_of_many_images_some_are_chosen_and_more_than_two_classes_are_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "SAMPLE", 20)
    build = folders(tmp_path / "build")
    write_store(build, ("a", "b", "c"), images=90, grouped=False)
    found = probe(build, tmp_path, None)
    assert 20 <= found["features"]["train_images"] <= 22  # a class that is rare keeps an image
    assert 0 < found["probe"]["auc"]["value"] < 1


@pytest.mark.usefixtures("quick")
def test_a_test_part_without_images_is_one_line(store: Build, tmp_path: Path) -> None:
    build = folders(tmp_path / "build")
    write_store(build, CLASSES, images=20)
    lines = build.split.parts.read_text().replace(",test,", ",val,")
    build.split.parts.write_text(lines)
    with pytest.raises(AssayError, match=r"expected images of every class in train, and images in test$"):
        probe(build, tmp_path)
