"""The preprocess stage: files in, packed store out; the same bytes every time, or nothing."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.core.errors import AssayError
from src.core.paths import Prepared, Raw
from src.images.store import COLUMNS, open_images, read_index
from src.preprocess import rows as rows_of_store
from src.preprocess.pipeline import compose
from src.preprocess.stage import run as prepare
from src.preprocess.walkthrough import INKS, Walkthrough, histogram
from tests.conftest import ROOT
from tests.images.helpers import STUDY, rows, save, section, smooth, write_raw

OUTPUTS = ["histograms.csv", "images.npy", "index.csv", "levels.png", "rejected.csv", "steps.png", "thumbnails.npy"]


def contents(prepared: Prepared) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in prepared.folder.iterdir()}


def mixed(folder: Path, count: int = 12) -> Raw:
    files = {f"{'ab'[n % 2]}/{n:03}.{'png' if n % 3 else 'jpg'}": smooth(40 + n, 60, n) for n in range(count)}
    return write_raw(folder, {**files, "a/bad.png": b"no image", "b/000 Ä empty.png": b""})


def test_every_file_is_in_the_index_or_rejected(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path / "prepared")
    prepare(mixed(tmp_path / "raw"), prepared, section(*STUDY, max_rejected=0.5))
    index, rejected = rows(prepared.index), rows(prepared.rejected)
    assert list(index[0]) == list(COLUMNS)
    assert [row["path"] for row in index] == sorted(row["path"] for row in index)
    assert len(index) == len(open_images(prepared)) == 12
    assert rejected == [
        {"path": "a/bad.png", "label": "a", "reason": "not an image in a known format, or a damaged header"},
        {"path": "b/000 Ä empty.png", "label": "b", "reason": "empty file"},
    ]
    assert sorted(path.name for path in prepared.folder.iterdir()) == OUTPUTS


def test_row_i_is_about_image_i(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path / "prepared")
    levels = {f"a/{n}.png": np.full((16, 16), n * 20, np.uint8) for n in range(9)}
    prepare(write_raw(tmp_path / "raw", {**levels, "a/33.png": b"bad"}), prepared, section(max_rejected=0.5))
    found = dict(zip(read_index(prepared)["path"], open_images(prepared)[:, 5, 5, 0].tolist(), strict=True))
    assert found == {name: int(name[2]) * 20 for name in levels}


def test_the_index_tells_the_file_as_obtained_and_the_crop(tmp_path: Path) -> None:
    image = np.zeros((256, 256), np.uint8)
    image[50:150, 50:150] = 255
    raw = write_raw(tmp_path / "raw", {"x/a.png": image}, group="patient 7")
    prepare(raw, Prepared(tmp_path / "out"), section(*STUDY))
    assert rows(tmp_path / "out" / "index.csv") == [
        {
            "path": "x/a.png", "label": "x", "group": "patient 7", "fold": "",
            "width": "256", "height": "256", "channels": "1", "format": "PNG",
            "bytes": str((raw.folder / "x/a.png").stat().st_size),
            "crop_left": "99", "crop_top": "99", "crop_right": "301", "crop_bottom": "301",
        }
    ]  # fmt: skip


def test_without_a_crop_its_columns_are_empty(tmp_path: Path) -> None:
    prepare(write_raw(tmp_path / "raw", {"x/a.png": smooth()}), Prepared(tmp_path / "out"), section())
    assert rows(tmp_path / "out" / "index.csv")[0]["crop_left"] == ""


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_threads_and_repetition_do_not_change_a_byte(tmp_path: Path, color: str) -> None:
    raw, params = mixed(tmp_path / "raw", 40), section(*STUDY, color=color, max_rejected=0.5)
    made = [Prepared(tmp_path / name) for name in ("one", "four", "again")]
    for prepared, threads in zip(made, (1, 4, 4), strict=True):
        prepare(raw, prepared, params, threads)
    assert contents(made[0]) == contents(made[1]) == contents(made[2])


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path / "out")
    prepare(write_raw(tmp_path / "raw", {"x/a.png": smooth(), "x/b.png": smooth()}), prepared, section())
    prepare(write_raw(tmp_path / "new", {"x/c.png": smooth()}), prepared, section())
    assert len(open_images(prepared)) == len(read_index(prepared)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "out", "raw"]


def test_too_many_rejected_files_stop_with_the_list_and_leave_it(tmp_path: Path) -> None:
    files = {f"a/{n}.png": smooth() for n in range(10)} | {f"a/bad {n:02}.png": b"" for n in range(25)}
    raw = write_raw(tmp_path / "raw", files)
    with pytest.raises(AssayError) as caught:
        prepare(raw, Prepared(tmp_path / "out"), section())
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("25 of 35 files rejected, expected at most 5.0% (preprocess.max_rejected)")
    assert lines[1] == "  a/bad 00.png: empty file"
    assert lines[-1] == "  and 5 more"
    assert len(lines) == 22
    assert len(rows(tmp_path / "rejected.csv")) == 25
    assert str(tmp_path / "rejected.csv") in lines[0]
    assert not (tmp_path / "out").exists()
    prepare(raw, Prepared(tmp_path / "out"), section(max_rejected=0.8))
    assert not (tmp_path / "rejected.csv").exists()


@pytest.mark.parametrize(("bad", "stops"), [(1, False), (2, True)])
def test_max_rejected_itself_is_still_allowed(tmp_path: Path, bad: int, stops: bool) -> None:
    files = {f"a/{n}.png": smooth() for n in range(10 - bad)} | {f"a/x{n}.png": b"" for n in range(bad)}
    raw, params = write_raw(tmp_path / "raw", files), section(max_rejected=0.1)
    if stops:
        with pytest.raises(AssayError, match="2 of 10"):
            prepare(raw, Prepared(tmp_path / "out"), params)
    else:
        prepare(raw, Prepared(tmp_path / "out"), params)


def test_no_image_left_is_an_error_whatever_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="1 of 1 files rejected"):
        prepare(write_raw(tmp_path / "raw", {"a/x.png": b""}), Prepared(tmp_path / "out"), section(max_rejected=1.0))


def test_an_old_result_survives_a_run_that_fails(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path / "out")
    prepare(write_raw(tmp_path / "raw", {"a/x.png": smooth()}), prepared, section())
    before = contents(prepared)
    with pytest.raises(AssayError):
        prepare(write_raw(tmp_path / "bad", {"a/x.png": b""}), prepared, section())
    assert contents(prepared) == before


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    def interrupted(path: Path, chain: object, count: bool) -> object:
        nonlocal seen
        seen += 1
        if seen == 5:
            raise KeyboardInterrupt
        return kept(path, chain, count)  # type: ignore[arg-type]

    kept = rows_of_store.prepare_one
    monkeypatch.setattr(rows_of_store, "prepare_one", interrupted)
    raw = write_raw(tmp_path / "raw", {f"a/{n:03}.png": smooth() for n in range(200)})
    with pytest.raises(KeyboardInterrupt):
        prepare(raw, Prepared(tmp_path / "out"), section(), threads=2)
    assert seen < 60
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from src.preprocess.stage import run as prepare\n"
        "from src.core.paths import Prepared, Raw; from tests.images.helpers import section\n"
        "steps = section('resize', image_size=512, color='rgb')\n"
        "prepare(Raw(Path(sys.argv[1])), Prepared(Path(sys.argv[2])), steps, 2)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    pytest.importorskip("resource")
    peaks = []
    for count in (40, 240):
        raw = write_raw(tmp_path / f"raw{count}", {f"a/{n:03}.png": smooth(16, 16) for n in range(count)})
        command = [sys.executable, "-c", script, str(raw.folder), str(tmp_path / f"out{count}")]
        peaks.append(int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout))
    assert (tmp_path / "out240" / "images.npy").stat().st_size > 180e6
    assert peaks[1] - peaks[0] < 40_000  # kB; the store grew by 157,000


def test_a_missing_or_wrong_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"manifest\.csv: not found; run the stage"):
        prepare(Raw(tmp_path), Prepared(tmp_path / "out"), section())
    (tmp_path / "manifest.csv").write_text("path,label\n")
    with pytest.raises(AssayError, match="expected the columns path, label, group, fold, found path, label"):
        prepare(Raw(tmp_path), Prepared(tmp_path / "out"), section())
    (tmp_path / "manifest.csv").write_text("path,label,group,fold\n")
    with pytest.raises(AssayError, match="lists no image"):
        prepare(Raw(tmp_path), Prepared(tmp_path / "out"), section())


def test_a_listed_file_that_is_gone_is_rejected(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw", {"a/x.png": smooth(), "a/y.png": smooth()})
    (raw.folder / "a" / "y.png").unlink()
    prepare(raw, Prepared(tmp_path / "out"), section(max_rejected=0.5))
    assert rows(tmp_path / "out" / "rejected.csv") == [{"path": "a/y.png", "label": "a", "reason": "file not found"}]


def test_the_console_says_how_many_are_kept_and_why_others_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="src")
    files = {f"a/{n}.png": smooth(seed=n) for n in range(9)}
    prepare(
        write_raw(tmp_path / "raw", {**files, "a/bad.png": b""}), Prepared(tmp_path / "out"), section(max_rejected=1)
    )
    assert "preparing images: 10 of 10 files in" in caplog.text
    assert "preprocess: 9 of 10 images, 1 rejected" in caplog.text
    assert "a/bad.png: empty file" in caplog.text


def test_pictures_that_are_nearly_black_or_flat_are_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dark, flat = np.full((64, 64), 3, np.uint8), np.full((64, 64), 130, np.uint8)
    dark[30, 30] = 255
    files = {"a/dark.png": dark, "a/flat.png": flat, "a/good.png": smooth()}
    prepare(write_raw(tmp_path / "raw", files), Prepared(tmp_path / "out"), section())
    assert "2 of 3 images are nearly black or flat" in caplog.text
    assert "a/dark.png, a/flat.png" in caplog.text


def test_a_damaged_file_is_rejected_or_kept_as_params_say(tmp_path: Path) -> None:
    content = save(tmp_path / "whole.jpg", smooth(200, 200)).read_bytes()
    cut = content[: len(content) // 2] + b"\xff\xd9"
    raw = write_raw(tmp_path / "raw", {"a/x.png": smooth(), "a/cut.jpg": cut})
    for damaged, names in (("reject", ["a/x.png"]), ("keep", ["a/cut.jpg", "a/x.png"])):
        prepared = Prepared(tmp_path / damaged)
        prepare(raw, prepared, section(max_rejected=0.5, damaged=damaged))
        assert list(read_index(prepared)["path"]) == names


def test_the_sheet_shows_every_step_of_images_of_each_class(tmp_path: Path) -> None:
    files = {f"{label}/{n}.png": smooth(seed=n) for label in "abc" for n in range(3)}
    prepare(write_raw(tmp_path / "raw", files), Prepared(tmp_path / "out"), section(*STUDY))
    with Image.open(tmp_path / "out" / "steps.png") as sheet:
        assert sheet.width > 7 * 180  # the file and six steps
        assert sheet.height > 6 * 180  # two of each class
    with Image.open(tmp_path / "out" / "levels.png") as sheet:  # file and image, each beside its levels
        assert 4 * 180 < sheet.width < 5 * 180
        assert 3 * 180 < sheet.height < 4 * 180


def test_a_histogram_shows_where_levels_are_in_the_ink_of_each_channel() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, :, 2] = 255
    drawn = histogram(image)
    blue, others = INKS[3][2], INKS[3][1]  # lines over one another show the last
    assert (drawn[:6, -3:] == blue).all(axis=2).any()
    assert (drawn[:6, :3] == others).all(axis=2).any()
    assert (drawn[:90, 60:120] == 255).all()
    gray = smooth(channels=1)
    np.testing.assert_array_equal(histogram(np.dstack([gray] * 3)), histogram(gray))  # no blue line over two others


@pytest.mark.parametrize("write", [Walkthrough.write_steps, Walkthrough.write_levels])
def test_a_sheet_holds_one_large_image_at_a_time(tmp_path: Path, write: Callable[..., None]) -> None:
    large = np.full((1500, 1500, 3), 90, np.uint8)
    names = [f"{label}/{n}.png" for label in "ab" for n in range(3)]
    raw = write_raw(tmp_path / "raw", dict.fromkeys(names, large))
    shown = Walkthrough(compose(section(*STUDY, working_size=1500)), names)
    for name in names:
        shown.see(name, name[0], large[:64, :64, :1])
    tracemalloc.start()
    try:
        write(shown, tmp_path / "sheet.png", raw)
        assert tracemalloc.get_traced_memory()[1] < 5 * large.nbytes
    finally:
        tracemalloc.stop()


def test_the_stage_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    for name in ("params.yaml", "build/raw/a/x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    save(tmp_path / "build" / "raw" / "a" / "x.png", smooth())
    (tmp_path / "build" / "raw" / "manifest.csv").write_text("path,label,group,fold\na/x.png,a,,\n")
    script = (
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); from stages.preprocess import main; main()\n"
        "heavy = {'tensorflow', 'keras', 'mlflow', 'sklearn', 'matplotlib', 'pandas', 'scipy', 'pydicom'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
    assert sorted(path.name for path in (tmp_path / "build" / "prepared").iterdir()) == OUTPUTS


@pytest.mark.slow
def test_real_slices_all_pass(shared_data: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(shared_data / "covid_ct.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith((".png", ".jpg")))[::15]
        raw = write_raw(tmp_path / "raw", {name: archive.read(name) for name in names})
    prepare(raw, Prepared(tmp_path / "out"), section(*STUDY, image_size=150))
    images = open_images(Prepared(tmp_path / "out"))
    assert images.shape == (len(names), 150, 150, 1)
    assert rows(tmp_path / "out" / "rejected.csv") == []
    assert images.std(axis=(1, 2, 3)).min() > 10
