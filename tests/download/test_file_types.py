"""The names of files as they may be used, those that are junk, and the masks among images."""

import unicodedata

import pytest

from src.core.errors import AssayError
from src.download import file_types


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../a.png", "a/../../b.png", "C:/a.png", "c:a.png", "\\\\host\\a", "a\\..\\b"]
)
def test_a_path_out_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(AssayError, match=r"x\.zip: expected only paths inside the archive"):
        file_types.contained(name, "x.zip")


@pytest.mark.parametrize(
    ("name", "path"), [("./a/./b.png", "a/b.png"), ("a\\b.png", "a/b.png"), ("./", ""), ("a..b/c.png", "a..b/c.png")]
)
def test_a_path_inside_is_made_plain(name: str, path: str) -> None:
    assert file_types.contained(name, "x.zip") == path


def test_accents_stored_apart_are_composed() -> None:
    assert file_types.normal(unicodedata.normalize("NFD", "Größe/é.png"), "x") == "Größe/é.png"


@pytest.mark.parametrize("name", ["a\nb.png", "a\x00.png", "\udcff.png"])
def test_a_name_that_no_manifest_can_hold_is_refused(name: str) -> None:
    with pytest.raises(AssayError, match="expected file names"):
        file_types.normal(name, "x")


@pytest.mark.parametrize(
    "name", ["__MACOSX/a.png", "a/._b.png", ".DS_Store", "a/Thumbs.db", "a/desktop.ini", ".git/x.png", "THUMBS.DB"]
)
def test_what_systems_leave_behind_is_junk(name: str) -> None:
    assert file_types.is_junk(name)


def test_an_image_is_no_junk() -> None:
    assert not file_types.is_junk("Thumbs/db.v2.png")


def test_folders_of_masks_beside_folders_of_images_are_found_at_any_place() -> None:
    for images, masks in (("a/images/{}.png", "a/masks/{}.png"), ("Images/a/{}.png", "lung masks/a/{}_mask.tif")):
        names = [images.format(number) for number in range(3)]
        outlines = {masks.format(number) for number in range(3)}
        assert file_types.masks([*names, *outlines]) == outlines
    assert not file_types.masks(["mask/1.png", "no_mask/1.png", "images/a/1.png", "no_mask/a/1.png"])
