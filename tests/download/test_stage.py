import logging
import os
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from src.config import Dataset
from src.core.errors import AssayError
from src.core.paths import Raw
from src.download.stage import run as download
from tests.conftest import ROOT

Tree = Callable[..., Path]
Make = Callable[..., Dataset]


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything about a folder that a person could notice, but the number of links."""
    return {
        path.relative_to(folder).as_posix(): (info.st_mode, info.st_mtime_ns, info.st_size, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (info := path.stat())
    }


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def contents(raw: Raw) -> dict[str, bytes]:
    return {
        path.relative_to(raw.folder).as_posix(): path.read_bytes() for path in raw.folder.rglob("*") if path.is_file()
    }


def test_raw_holds_the_images_and_a_manifest_sorted_by_path(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path
) -> None:
    source = tree(("dog/2.png", "cat/10.png", "cat/2.png", "notes.txt", "cat/labels.csv", ".DS_Store"))
    download(dataset(source), raw, tmp_path)
    manifest = "path,label,group,fold\ncat/10.png,cat,,\ncat/2.png,cat,,\ndog/2.png,dog,,\n"
    images = {name: name.encode() for name in ("dog/2.png", "cat/10.png", "cat/2.png")}
    counts = "label,images,listed\ncat,2,\ndog,1,\n"
    left_out = (
        "kind,reason,files,example\n.csv,no image,1,cat/labels.csv\n.txt,no image,1,notes.txt\n"
        'junk,"left by the operating system, or hidden",1,\n'
    )
    tables = {"manifest.csv": manifest, "counts.csv": counts, "left_out.csv": left_out}
    assert contents(raw) == {name: text.encode() for name, text in tables.items()} | images


def test_names_with_spaces_commas_and_accents_survive(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    source = tree(("Größe, sehr/ä b.png", "日本/1.png"), folder="my sourçe")
    download(dataset(source), raw, tmp_path)
    assert '"Größe, sehr/ä b.png","Größe, sehr",,' in raw.manifest.read_text(encoding="utf-8").splitlines()
    assert (raw.folder / "日本/1.png").is_file()


def test_a_second_run_gives_the_same_and_drops_what_is_gone(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path
) -> None:
    source = tree()
    download(dataset(source), raw, tmp_path)
    first = contents(raw)
    download(dataset(source), raw, tmp_path)
    assert contents(raw) == first
    (source / "cat" / "2.png").unlink()
    download(dataset(source), raw, tmp_path)
    assert set(first) - set(contents(raw)) == {"cat/2.png"}


def test_a_folder_and_its_archive_give_the_same(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    source = tree()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in source.rglob("*.png"):
            archive.write(path, f"wrap/{path.relative_to(source)}")
        archive.writestr("__MACOSX/._a.png", b"")
    download(dataset(source), raw, tmp_path)
    first = contents(raw)
    download(dataset(tmp_path / "x.zip"), raw, tmp_path)
    assert contents(raw) == first | {"left_out.csv": raw.left_out.read_bytes()}  # the junk is the archive's own
    assert names(raw.folder) == {"cat", "dog", "manifest.csv", "counts.csv", "left_out.csv"}
    assert names(raw.folder.parent) == {"raw"}


def test_the_source_is_left_as_it_was_and_not_copied(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    source = tree()
    (source / "cat" / "1.png").chmod(0o444)
    before = snapshot(source)
    for _ in range(2):
        download(dataset(source), raw, tmp_path)
    assert (raw.folder / "cat" / "1.png").samefile(source / "cat" / "1.png")
    assert snapshot(source) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_a_source_of_somebody_else_in_a_read_only_place_is_read(tree: Tree, dataset: Make, tmp_path: Path) -> None:
    source = tree()
    for path in (source, *source.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    work = tmp_path / "work"
    work.mkdir()
    os.chown(work, 65534, 65534)
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | stat.S_IXOTH)
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            download(dataset(source), Raw(work / "raw"), work)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert (work / "raw" / "cat" / "1.png").read_bytes() == b"cat/1.png"


def test_the_summary_counts_classes_groups_folds_and_what_was_left_out(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = {f"{top}{name}": name.encode() for top in ("", "x/") for name in ("a/1.png", "a/2.png", "b/1.png")}
    source = tree({**files, "a/Thumbs.db": b""})
    with caplog.at_level(logging.INFO):
        download(dataset(source), raw, tmp_path)
    assert f"{source}: 3 images: a 2, b 1; patients are not known; no folds" in caplog.text
    assert "left out: copy 3, such as x: its folder repeats what is beside it" in caplog.text
    assert "left out: junk 1: left by the operating system, or hidden" in caplog.text


def test_a_failure_keeps_what_was_there_and_leaves_nothing_else(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path
) -> None:
    download(dataset(tree()), raw, tmp_path)
    before = contents(raw)
    with pytest.raises(AssayError, match="expected at least two classes, found only cat 1"):
        download(dataset(tree(("cat/1.png",), folder="single")), raw, tmp_path)
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(AssayError, match="found a damaged one"):
        download(dataset(tmp_path / "x.zip"), raw, tmp_path)
    assert contents(raw) == before
    assert names(raw.folder.parent) == {"raw"}


def test_a_kill_half_way_leaves_nothing_that_looks_whole_and_the_next_run_cleans_up(
    raw: Raw, dataset: Make, tmp_path: Path
) -> None:
    source = tmp_path / "x.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for index in range(2000):
            archive.writestr(f"{'ab'[index % 2]}/{index}.png", b"x")
    code = f"""
import time
from pathlib import Path
from src.download import archive
from src.download.stage import run as download
from tests import sections
from src.core.paths import Raw
write = archive._write
def slow(*arguments):
    time.sleep(0.005)
    write(*arguments)
archive._write = slow
download(sections.dataset(source={str(source)!r}, layout="folders"), Raw(Path({str(raw.folder)!r})), Path())
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    while len(list(raw.folder.parent.rglob("*.png"))) < 20:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not raw.folder.exists()
    assert list(raw.folder.parent.iterdir())
    download(dataset(source), raw, tmp_path)
    assert names(raw.folder.parent) == {"raw"}
    assert len(contents(raw)) == 2003


@pytest.mark.parametrize("inner", ["source/build/raw", "."])
def test_a_source_that_overlaps_with_raw_is_refused(tree: Tree, dataset: Make, tmp_path: Path, inner: str) -> None:
    source = tree()
    with pytest.raises(AssayError, match="expected a folder that does not overlap"):
        download(dataset(source), Raw(tmp_path / inner), tmp_path)
    assert len(snapshot(source)) == 3


def test_images_that_the_layout_does_not_name_are_counted(
    tree: Tree,
    raw: Raw,
    dataset: Make,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from src.download.layouts import folders
    from src.download.manifest import Entry

    monkeypatch.setattr(folders, "read", lambda files: [Entry(path, path[0]) for path in files.images[1:]])
    with caplog.at_level(logging.INFO):
        download(dataset(tree()), raw, tmp_path)
    assert "left out: image 1: cat/1.png: neither layout nor table names it" in caplog.text
    assert not (raw.folder / "cat" / "1.png").exists()


def test_a_full_disk_is_one_line(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr("shutil.copyfile", full)
    monkeypatch.setattr("os.link", full)
    with pytest.raises(AssayError, match=r"raw: cannot be written \(No space left on device\); make room"):
        download(dataset(tree()), raw, tmp_path)


def test_groups_come_from_names_and_classes_are_merged(
    tree: Tree, raw: Raw, dataset: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tree(("cat/p1_1.png", "cat/p2_1.png", "dog/p1_2.png", "cow/p3_1.png"))
    merge = {"cat": "pet", "dog": "pet", "cow": "cattle"}
    with caplog.at_level(logging.INFO):
        download(dataset(source, merge=merge, group_pattern="^(?P<group>p[0-9]+)_"), raw, tmp_path)
    assert raw.manifest.read_text() == (
        "path,label,group,fold\ncat/p1_1.png,pet,p1,\ncat/p2_1.png,pet,p2,\ncow/p3_1.png,cattle,p3,\n"
        "dog/p1_2.png,pet,p1,\n"
    )
    assert raw.counts.read_text() == "label,images,listed\ncattle,1,\npet,3,\n"
    assert "4 images: cattle 1, pet 3; 3 groups; no folds" in caplog.text


def test_classes_merged_into_one_are_refused(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="expected at least two classes, found only pet 3"):
        download(dataset(tree(), merge={"cat": "pet", "dog": "pet"}), raw, tmp_path)


def test_two_spellings_of_a_class_can_be_merged(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    source = tree(("train/cat/1.png", "test/Cat/1.png", "train/dog/1.png"))
    download(dataset(source, merge={"cat": "cat", "Cat": "cat", "dog": "dog"}), raw, tmp_path)
    assert raw.counts.read_text() == "label,images,listed\ncat,2,\ndog,1,\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_named(tree: Tree, raw: Raw, dataset: Make, tmp_path: Path) -> None:
    source = tree(("cat/1", "cat/1.png", "dog/1.png"))
    (source / "cat" / "1").chmod(0)
    with pytest.raises(AssayError, match=r"cat/1: Permission denied"):
        download(dataset(source), raw, tmp_path)
