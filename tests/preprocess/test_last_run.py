"""What the last run prepared is taken over while file, settings and code stay, and never changes a byte."""

import logging
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from src.core.paths import Prepared, Raw
from src.images.store import open_images
from src.preprocess import last_run, stage, walkthrough
from tests.conftest import ROOT
from tests.images.helpers import STUDY, save, section, smooth, write_raw

SETTINGS = section(*STUDY, max_rejected=0.5)


@pytest.fixture(autouse=True)
def _few_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walkthrough, "MOST", 1)  # images that are counted are prepared anew


def write(folder: Path, numbers: range, changed: int | None = None) -> Raw:
    images = {f"{'ab'[n % 2]}/{n:02}.png": smooth(40, 50, n + 100 * (n == changed)) for n in numbers}
    return write_raw(folder, {**images, "a/bad.png": b"no image"})


def contents(prepared: Prepared) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in prepared.folder.iterdir()}


def run_both(tmp_path: Path, raw: Raw, settings: object = SETTINGS) -> None:
    """Prepare with what the last run left, and from nothing: the same bytes."""
    stage.run(raw, Prepared(tmp_path / "out"), settings, record=tmp_path / "last.npz")  # type: ignore[arg-type]
    stage.run(raw, Prepared(tmp_path / "anew"), settings)  # type: ignore[arg-type]
    assert contents(Prepared(tmp_path / "out")) == contents(Prepared(tmp_path / "anew"))


def last_but_one(caplog: pytest.LogCaptureFixture) -> int:
    """Count what the first of the two runs took over, and forget both."""
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("preprocess: ")]
    caplog.clear()
    return int(lines[-2].split(" images, ")[1].split()[0]) if "as the last run" in lines[-2] else 0


def test_only_new_changed_and_counted_images_are_prepared(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run_both(tmp_path, write(tmp_path / "raw", range(20)))
    assert last_but_one(caplog) == 0
    run_both(tmp_path, write(tmp_path / "raw 2", range(20)))
    assert last_but_one(caplog) == 19
    run_both(tmp_path, write(tmp_path / "raw 3", range(2, 24), changed=7))
    assert last_but_one(caplog) == 16  # of 22: four are new, one has changed, the first is counted


def test_a_file_that_moved_is_found_by_its_content(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run_both(tmp_path, write_raw(tmp_path / "raw", {f"a/{n}.png": smooth(seed=n) for n in range(6)}))
    run_both(tmp_path, write_raw(tmp_path / "new", {f"b/{9 - n}.png": smooth(seed=n) for n in range(6)}))
    assert last_but_one(caplog) == 5


@pytest.mark.parametrize("what", ["settings", "code", "library", "store", "record"])
def test_nothing_is_taken_over_where_something_else_changed(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    raw, settings = write(tmp_path / "raw", range(8)), SETTINGS
    run_both(tmp_path, raw)
    if what == "settings":
        settings = section(*STUDY, max_rejected=0.5, clahe={"clip_limit": 2.0, "tile_grid": 8})
    elif what == "code":
        monkeypatch.setattr(last_run, "digest_of_code", lambda: "other")
    elif what == "library":
        monkeypatch.setattr(last_run, "version", lambda name: "0")
    elif what == "store":  # as after `dvc checkout` of another result, or an edit by hand
        images = np.load(tmp_path / "out/images.npy")
        np.save(tmp_path / "out/images.npy", 255 - images)
    else:
        (tmp_path / "last.npz").write_bytes((tmp_path / "last.npz").read_bytes()[:200])
    caplog.clear()
    run_both(tmp_path, raw, settings)
    assert last_but_one(caplog) == 0


def test_a_file_that_cannot_be_read_is_rejected_as_without_a_record(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", range(6))
    run_both(tmp_path, raw)
    (raw.folder / "a/00.png").unlink()
    run_both(tmp_path, raw)
    assert len(open_images(Prepared(tmp_path / "out"))) == 5
    save(raw.folder / "a/00.png", smooth(40, 50, 0))
    run_both(tmp_path, raw)


def test_dvc_leaves_what_the_last_run_wrote_where_it_is() -> None:
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    assert stages["preprocess"]["outs"] == [{"build/prepared": {"persist": True}}]  # else DVC removes it before the run
