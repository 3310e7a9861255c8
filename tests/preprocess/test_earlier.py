"""What the last run prepared is taken over while file, settings and code stay, and never changes a byte."""

import errno
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from src.config import Preprocess
from src.core.paths import Prepared, Raw
from src.images.store import open_images
from src.preprocess import earlier, rows, stage, walkthrough
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


def run_both(tmp_path: Path, raw: Raw, settings: Preprocess = SETTINGS) -> None:
    """Prepare with what the last run left, its outputs removed as DVC does, and from nothing: the same bytes."""
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    stage.run(raw, Prepared(tmp_path / "out"), settings, held=tmp_path / "last")
    stage.run(raw, Prepared(tmp_path / "anew"), settings)
    assert contents(Prepared(tmp_path / "out")) == contents(Prepared(tmp_path / "anew"))


def last_but_one(caplog: pytest.LogCaptureFixture) -> int:
    """Count what the first of the two runs took over, and forget both."""
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("preprocess: ")]
    caplog.clear()
    return int(lines[-2].split(" images, ")[1].split()[0]) if "as prepared before" in lines[-2] else 0


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


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("what", ["settings", "unread", "code", "library", "store", "cut", "flipped", "unreadable"])
def test_nothing_is_taken_over_where_something_else_changed(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    raw, settings = write(tmp_path / "raw", range(8)), SETTINGS
    run_both(tmp_path, raw)
    record = tmp_path / "last" / earlier.RECORD
    if what == "settings":
        settings = section(*STUDY, max_rejected=0.5, clahe={"clip_limit": 2.0, "tile_grid": 8})
    elif what == "unread":  # by the steps of the project, but one of a person's own may read it
        settings = section(*STUDY, max_rejected=0.5, detail=99)
    elif what == "code":
        monkeypatch.setattr(earlier, "digest_of_code", lambda: "other")
    elif what == "library":
        monkeypatch.setattr(earlier, "distributions", lambda name: [])
    elif what == "store":  # an edit by hand
        flip(tmp_path / "last" / "images.npy", -1)
    elif what == "cut":
        record.write_bytes(record.read_bytes()[:200])
    elif what == "flipped":
        flip(tmp_path / "last" / "index.csv", -3)
    else:
        record.unlink()
        record.mkdir()
    caplog.clear()
    run_both(tmp_path, raw, settings)
    assert last_but_one(caplog) == 0


def test_where_there_are_no_hard_links_nothing_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(earlier.os, "link", refuse)
    run_both(tmp_path, write(tmp_path / "raw", range(4)))
    assert not (tmp_path / "last").exists()


def test_the_arrays_are_held_without_copying_them(tmp_path: Path) -> None:
    run_both(tmp_path, write(tmp_path / "raw", range(4)))
    for name in ("images.npy", "thumbnails.npy"):
        assert (tmp_path / "last" / name).samefile(tmp_path / "out" / name)


def test_a_file_that_cannot_be_read_is_rejected_as_without_a_record(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", range(6))
    run_both(tmp_path, raw)
    (raw.folder / "a/00.png").unlink()
    run_both(tmp_path, raw)
    assert len(open_images(Prepared(tmp_path / "out"))) == 5
    save(raw.folder / "a/00.png", smooth(40, 50, 0))
    run_both(tmp_path, raw)


def test_an_image_that_was_edited_after_its_hash_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = write(tmp_path / "raw", range(4))
    edited, before = raw.folder / "b/03.png", (raw.folder / "b/03.png").read_bytes()
    prepare = rows.prepare_one

    def late(path: Path, *given: Any) -> rows.Kept:
        if path == edited:
            save(path, smooth(40, 50, 99))
        return prepare(path, *given)

    with monkeypatch.context() as patched:
        patched.setattr(rows, "prepare_one", late)
        stage.run(raw, Prepared(tmp_path / "out"), SETTINGS, held=tmp_path / "last")
    edited.write_bytes(before)
    run_both(tmp_path, raw)
