"""Other values of preprocess have arrays of their own, made once, of train and val alone; the pipeline's stay as is."""

import csv
import shutil
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from src.config import Params, parse
from src.core import paths
from src.core.errors import AssayError
from src.executors import variants
from src.preprocess import rows as rows_of_store
from src.preprocess import walkthrough
from src.preprocess.stage import run as prepare
from src.train import data
from tests.executors.conftest import IMAGES, PARTS, Home, home, own_home

__all__ = ["home", "own_home"]


def params(home: Home, **values: object) -> Params:
    return parse(home.job(**values).params)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_values_use_the_images_of_the_pipeline(home: Home) -> None:
    assert variants.prepared(params(home), home.folder) == (home.prepared, home.split)


def test_a_value_that_changes_no_image_uses_those_of_the_pipeline(home: Home) -> None:
    assert variants.prepared(params(home, preprocess__max_rejected=0.5), home.folder)[0] == home.prepared


def test_a_value_of_a_step_that_is_not_named_makes_a_variant(home: Home) -> None:
    """A step of a person's own may read the sections of others."""
    first, second = (
        variants.prepared(params(home, preprocess__crop__threshold=value), home.folder)[0] for value in (9, 10)
    )
    assert len({home.prepared, first, second}) == 3


def test_a_variant_holds_what_the_stage_would_make_but_no_image_of_test(home: Home, tmp_path: Path) -> None:
    other = params(home, preprocess__clahe__clip_limit=9.0, preprocess__image_size=[16, 20])
    before = content_of(home.prepared.folder)
    prepared, split = variants.prepared(other, home.folder)
    whole = paths.Prepared(tmp_path / "whole")
    prepare(home.raw, whole, other.preprocess)
    made, expected = np.load(prepared.images), np.load(whole.images)
    test = np.arange(IMAGES) % 3 == PARTS.index("test")
    assert made.shape == (IMAGES, 16, 20, 1)
    np.testing.assert_array_equal(made[~test], expected[~test])
    assert not made[test].any()
    assert {row["part"] for row in rows(split.parts)} == {"train", "val"}
    given, own = data.load(prepared, split), data.load(home.prepared, home.split)
    np.testing.assert_array_equal(given.train.rows, own.train.rows)
    np.testing.assert_array_equal(given.val.targets, own.val.targets)
    assert content_of(home.prepared.folder) == before


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """List the files that are prepared."""
    found, lock = [], threading.Lock()
    attempt = rows_of_store.prepare_one

    def counted(path: Path, chain: object, count: bool) -> object:
        with lock:
            found.append(path)
        return attempt(path, chain, count)  # type: ignore[arg-type]

    monkeypatch.setattr(rows_of_store, "prepare_one", counted)
    return found


def test_a_variant_is_made_once_by_all_that_ask_for_it(own_home: Home, made: list[Path]) -> None:
    other = params(own_home, preprocess__clahe__clip_limit=5.0)
    found: list[object] = []
    askers = [
        threading.Thread(target=lambda: found.append(variants.prepared(other, own_home.folder))) for _ in range(4)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(set(made)) == len(made) == IMAGES * 2 // 3
    assert len(found) == 4
    assert len(set(found)) == 1
    assert variants.prepared(params(own_home, preprocess__clahe__clip_limit=6.0), own_home.folder) != found[0]


def test_images_of_a_variant_with_the_same_values_are_taken_over(own_home: Home, made: list[Path]) -> None:
    other = params(own_home, preprocess__clahe__clip_limit=5.0)
    variants.prepared(other, own_home.folder)
    cv2.imwrite(str(own_home.raw.folder / "03.png"), np.zeros((40, 40), np.uint8))
    prepare(own_home.raw, own_home.prepared, parse(own_home.content).preprocess)
    made.clear()
    taken = variants.prepared(other, own_home.folder)[0].folder.parent
    assert made == [own_home.raw.folder / "03.png"]
    before = content_of(taken)
    shutil.rmtree(own_home.folder / paths.VARIANTS)
    assert content_of(variants.prepared(other, own_home.folder)[0].folder.parent) == before
    assert len(made) == 1 + IMAGES * 2 // 3


def test_the_stage_takes_over_the_images_of_a_study_but_prepares_those_of_test(
    own_home: Home, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own_home.folder)
    monkeypatch.setattr(walkthrough, "MOST", 1)  # images that are counted are prepared anew
    other = params(own_home, preprocess__clahe__clip_limit=5.0)
    variants.prepared(other, own_home.folder)
    for number, many in ((1, 1 + IMAGES // 3), (2, IMAGES)):
        made.clear()
        prepare(own_home.raw, paths.Prepared(Path(f"out {number}")), other.preprocess, held=Path(f"held {number}"))
        assert len(made) == many
        shutil.rmtree(paths.VARIANTS)
        paths.VARIANTS.mkdir()
    assert content_of(Path("out 1")) == content_of(Path("out 2"))


def test_another_image_of_the_same_name_makes_another_variant(own_home: Home) -> None:
    other = params(own_home, preprocess__clahe__clip_limit=5.0)
    before = variants.prepared(other, own_home.folder)
    cv2.imwrite(str(own_home.raw.folder / "00.png"), np.zeros((40, 40), np.uint8))
    shutil.rmtree(own_home.prepared.folder)
    prepare(own_home.raw, own_home.prepared, parse(own_home.content).preprocess)
    after = variants.prepared(other, own_home.folder)
    assert after != before
    assert np.ptp(np.load(after[0].images)[0]) == 0


def test_an_image_that_cannot_be_prepared_is_in_no_part(own_home: Home) -> None:
    (own_home.raw.folder / "03.png").write_bytes(b"")
    (own_home.raw.folder / "05.png").write_bytes(b"")  # of test: not even read
    prepared, split = variants.prepared(
        params(own_home, preprocess__image_size=16, preprocess__max_rejected=0.1), own_home.folder
    )
    assert "3" not in {row["row"] for row in rows(split.parts)}
    assert [row["path"] for row in rows(prepared.rejected)] == ["03.png"]
    given = data.load(prepared, split)
    assert len(given.images) == IMAGES
    assert len(given.train.rows) == IMAGES // 3 - 1


def test_too_many_that_cannot_are_refused_and_nothing_is_left(own_home: Home) -> None:
    for number in range(0, 12, 3):
        (own_home.raw.folder / f"{number:02}.png").write_bytes(b"")
    with pytest.raises(AssayError, match=r"4 of 40 files rejected, expected at most 5\.0%.*first is 00\.png: "):
        variants.prepared(params(own_home, preprocess__image_size=16), own_home.folder)
    assert not [path for path in (own_home.folder / paths.VARIANTS).iterdir() if path.is_dir()]


def test_what_a_killed_process_left_is_made_anew(own_home: Home) -> None:
    other = params(own_home, preprocess__image_size=16)
    prepared, _ = variants.prepared(other, own_home.folder)
    folder = prepared.folder.parent
    folder.rename(folder.with_name(f".{folder.name}.part"))
    assert variants.prepared(other, own_home.folder)[0] == prepared
    assert not folder.with_name(f".{folder.name}.part").exists()


def test_the_record_of_dvc_counts_where_params_were_edited_since(own_home: Home) -> None:
    """A person may edit params.yaml while a study runs: the arrays are still those of before."""
    recorded = {"params.yaml": {"preprocess": own_home.content["preprocess"]}}
    with (own_home.folder / "dvc.lock").open("w") as file:
        YAML(typ="safe", pure=True).dump({"schema": "2.0", "stages": {"preprocess": {"params": recorded}}}, file)
    edited = own_home.job(preprocess__image_size=16).params
    with (own_home.folder / "params.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(edited, file)
    assert variants.prepared(params(own_home), own_home.folder)[0] == own_home.prepared
    prepared, _ = variants.prepared(parse(edited), own_home.folder)
    assert np.load(prepared.images).shape[1] == 16


def test_without_the_stages_before_it_says_what_to_run(tmp_path: Path, own_home: Home) -> None:
    shutil.rmtree(own_home.split.folder)
    with pytest.raises(AssayError, match=r"split\.csv: not found; run the stage that writes it with `dvc repro`"):
        variants.prepared(params(own_home, preprocess__image_size=16), own_home.folder)
