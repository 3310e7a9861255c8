import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download import scan
from src.download.file_types import LeftOut

Tree = Callable[..., Path]


def images(folder: Path) -> tuple[str, ...]:
    return scan.scan(folder, "source").images


def test_images_are_listed_sorted_with_posix_paths(tree: Tree) -> None:
    assert images(tree(("b/2.jpg", "a/1.PNG", "b/10.dcm", "notes.txt"))) == ("a/1.PNG", "b/10.dcm", "b/2.jpg")


@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "gif", "dcm"])
def test_every_known_kind_of_image_counts(tree: Tree, suffix: str) -> None:
    assert images(tree((f"a/1.{suffix}",))) == (f"a/1.{suffix}",)


def test_a_dicom_file_without_extension_is_known_by_its_magic(tree: Tree) -> None:
    dicom, other = bytes(128) + b"DICM" + bytes(10), bytes(142)
    folder = tree({"a/IM0001": dicom, "a/1.2.840.9": dicom, "a/README": other, "a/DICOMDIR": dicom, "a/x.raw": dicom})
    assert images(folder) == ("a/1.2.840.9", "a/IM0001", "a/x.raw")


def test_junk_is_left_out_and_counted(tree: Tree) -> None:
    files = ("a/1.png", "a/._1.png", ".DS_Store", "a/Thumbs.db", "__MACOSX/a/._1.png", "desktop.ini")
    listing = scan.scan(tree(files), "source")
    assert listing.images == ("a/1.png",)
    assert listing.left_out == (LeftOut("junk", "left by the operating system, or hidden", 5, ""),)


def test_wrapping_folders_are_seen_through(tree: Tree) -> None:
    assert images(tree(("x/x/a/1.png", "x/x/b/1.png", "x/x/read.me"))) == ("a/1.png", "b/1.png")


def test_a_wrapping_folder_with_documents_beside_it_is_seen_through(tree: Tree) -> None:
    assert images(tree(("README.md", "LICENSE", "x/paper.pdf", "x/y/a/1.png", "x/y/b/1.png"))) == ("a/1.png", "b/1.png")


@pytest.mark.parametrize(
    "files", [("x/1.png", "x/2.png"), ("x/a/1.png", "labels.csv"), ("train/a/1.png", "train/b/1.png")]
)
def test_a_class_a_fold_and_a_folder_beside_files_are_no_wrapping(tree: Tree, files: tuple[str, ...]) -> None:
    assert set(images(tree(files))) == {name for name in files if name.endswith("png")}


def test_a_nested_copy_of_the_whole_is_left_out_and_counted(tree: Tree) -> None:
    names = ("a/1.png", "a/2.png", "b/1.png")
    contents = {f"{top}{name}": name.encode() for top in ("cells/", "cells/cells/") for name in names}
    listing = scan.scan(tree({**contents, "cells/cells/a/Thumbs.db": b""}), "source")
    assert listing.images == names
    assert [(row.kind, row.files, row.example) for row in listing.left_out] == [("copy", 3, "cells"), ("junk", 1, "")]


@pytest.mark.parametrize("different", [{"x/a/1.png": b"9"}, {"x/a/1.png": b"longer"}, {"x/c/1.png": b"1"}])
def test_a_nested_folder_that_differs_is_no_copy(tree: Tree, different: dict[str, bytes]) -> None:
    files = {"a/1.png": b"1", "b/1.png": b"2", "x/a/1.png": b"1", "x/b/1.png": b"2"} | different
    listing = scan.scan(tree(files), "source")
    assert set(listing.images) == set(files)
    assert not listing.left_out


def test_an_image_that_stands_above_its_class_folder_too_makes_the_class_no_copy(tree: Tree) -> None:
    assert images(tree({"1.png": b"1", "a/1.png": b"1"})) == ("1.png", "a/1.png")


def test_equal_train_and_test_folders_are_no_copies_of_the_whole(tree: Tree) -> None:
    files = {f"{fold}/{name}": name.encode() for fold in ("train", "test") for name in ("a/1.png", "b/1.png")}
    assert len(images(tree(files))) == 4


def test_a_link_that_leads_out_is_refused(tree: Tree, tmp_path: Path) -> None:
    folder = tree()
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "cat" / "3.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(AssayError, match=r"source: expected no links that lead out.* found cat/3\.png -> /"):
        scan.scan(folder, "source")


@pytest.mark.parametrize("target", ["..", "/", "nowhere", "../../source2"])
def test_a_folder_link_that_leads_out_or_nowhere_is_refused(tree: Tree, target: str) -> None:
    folder = tree()
    tree(folder="source2")
    (folder / "more").symlink_to(target)
    with pytest.raises(AssayError, match="expected no links that lead out"):
        scan.scan(folder, "source")


def test_a_link_inside_is_followed_to_files_only(tree: Tree) -> None:
    folder = tree(("cat/1.png", "dog/1.png"))
    (folder / "dog" / "2.png").symlink_to("../cat/1.png")
    (folder / "again").symlink_to(folder)
    assert images(folder) == ("cat/1.png", "dog/1.png", "dog/2.png")


def test_links_into_a_dvc_cache_are_files_of_the_source(tree: Tree, tmp_path: Path) -> None:
    folder = tree(("cat/1.png",))
    cached = tmp_path / ".dvc/cache/files/md5/ab" / ("0" * 30)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"x")
    (folder / "cat" / "2.png").symlink_to(cached)
    assert images(folder) == ("cat/1.png", "cat/2.png")


def test_a_source_that_is_a_link_itself_is_read(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree())
    assert len(images((tmp_path / "link").resolve())) == 3


def test_an_empty_folder_is_a_clear_error(tree: Tree) -> None:
    with pytest.raises(AssayError, match=r"source: expected images .* found an empty folder"):
        scan.scan(tree(()), "source")


def test_a_folder_without_images_says_what_it_holds(tree: Tree) -> None:
    with pytest.raises(AssayError, match=r"found 2 files with \.nii, 1 file with no extension"):
        scan.scan(tree(("a/1.nii", "a/2.nii", "a/LICENSE")), "source")


def test_one_name_in_two_spellings_of_its_accents_is_refused(tree: Tree) -> None:
    names = [unicodedata.normalize(form, "a/é.png") for form in ("NFC", "NFD")]
    with pytest.raises(AssayError, match=r"expected each file once, found a/é\.png in two spellings"):
        scan.scan(tree(tuple(names)), "source")
