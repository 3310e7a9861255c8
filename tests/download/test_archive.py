import contextlib
import io
import lzma
import stat
import struct
import tarfile
import tracemalloc
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download import archive as archives
from src.download.archive import unpack

FILES = {"a/1.png": b"1" * 5000, "b/2.png": b"2" * 100}
ENDINGS = {"zip": ".zip", "": ".tar", "gz": ".tar.gz", "bz2": ".tar.bz2", "xz": ".tar.xz"}


def zipped(path: Path, files: Mapping[str, bytes], mode: int = 0, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode or stat.S_IFREG | 0o644) << 16
            info.compress_type = compression
            archive.writestr(info, content)
    return path


def tarred(path: Path, files: Mapping[str, bytes], compression: str = "") -> Path:
    with tarfile.open(path, f"w:{compression}") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def tarred_link(path: Path, name: str, target: str, kind: bytes) -> Path:
    tarred(path, FILES)
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        archive.addfile(info)
    return path


def unpacked(archive: Path, max_gb: float = 1.0) -> dict[str, bytes]:
    folder = archive.parent / "unpacked"
    unpack(archive, folder, max_gb, archive.name)
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, message: str, max_gb: float = 1.0) -> None:
    with pytest.raises(AssayError) as error:
        unpacked(archive, max_gb)
    assert str(error.value).startswith(f"{archive.name}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("compression", ENDINGS)
@pytest.mark.parametrize("extension", ["its own", ".bin"])
def test_every_kind_is_known_by_content_whatever_it_is_called(tmp_path: Path, compression: str, extension: str) -> None:
    path = tmp_path / f"x{ENDINGS[compression] if extension == 'its own' else extension}"
    archive = zipped(path, FILES) if compression == "zip" else tarred(path, FILES, compression)
    assert unpacked(archive) == FILES


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("name", ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png", "C:\\out.png"])
def test_nothing_is_written_outside(tmp_path: Path, make: Callable[..., Path], name: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    refused(make(inner / "x.bin", {**FILES, name: b"evil"}), "expected only paths inside the archive")
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "a/1.png"])
def test_links_and_special_files_of_a_tar_are_not_made_but_counted(tmp_path: Path, kind: bytes, target: str) -> None:
    archive = tarred_link(tmp_path / "x.tar", "a/link.png", target, kind)
    assert unpacked(archive) == FILES
    rows = unpack(archive, tmp_path / "again", 1.0, "x.tar")
    assert [(row.kind, row.files, row.example) for row in rows] == [("link", 1, "a/link.png")]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR])
def test_links_and_special_files_of_a_zip_are_not_made_but_counted(tmp_path: Path, kind: int) -> None:
    archive = zipped(tmp_path / "x.zip", {"a/link.png": b"/etc/passwd"}, mode=kind | 0o777)
    assert unpacked(archive) == {}
    rows = unpack(archive, tmp_path / "again", 1.0, "x.zip")
    assert [(row.kind, row.example) for row in rows] == [("link", "a/link.png")]


def test_writing_through_a_link_to_a_folder_outside_is_impossible(tmp_path: Path) -> None:
    archive = tarred_link(tmp_path / "x.tar", "door", "..", tarfile.SYMTYPE)
    with tarfile.open(archive, "a") as tar:
        info = tarfile.TarInfo("door/out.png")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    assert unpacked(archive)["door/out.png"] == b"evil"  # in a folder of this name: there is no link
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("make", [zipped, tarred])
def test_the_limit_is_on_all_files_together(tmp_path: Path, make: Callable[..., Path]) -> None:
    archive = make(tmp_path / "x.bin", {f"{index}.png": bytes(1000) for index in range(11)})
    refused(archive, "expected at most 1e-05 GB unpacked", max_gb=1e-5)
    assert len(list((tmp_path / "unpacked").rglob("*"))) <= 11
    (tmp_path / "2").mkdir()
    assert len(unpacked(make(tmp_path / "2" / "x.bin", {"1.png": bytes(10_000)}), max_gb=1e-5)) == 1


def lying_zip(path: Path, real: int, claim: int) -> Path:
    """Make a zip whose table says `claim` bytes where `real` come out."""
    content = bytes(real)
    zipped(path, {"bomb.png": content})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        assert struct.unpack_from("<I", data, place)[0] == real
        struct.pack_into("<I", data, place, claim)
    crc = struct.pack("<I", zlib.crc32(content[:claim]))
    path.write_bytes(bytes(data).replace(struct.pack("<I", zlib.crc32(content)), crc))
    return path


def test_a_zip_that_lies_about_its_size_never_writes_more_than_it_says(tmp_path: Path) -> None:
    archive = lying_zip(tmp_path / "x.zip", real=50_000_000, claim=1000)
    with contextlib.suppress(AssayError):
        unpacked(archive, max_gb=1e-3)
    assert sum(path.stat().st_size for path in (tmp_path / "unpacked").rglob("*.png")) <= 1000


def test_a_zip_that_says_it_is_too_large_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "x.zip", {"a.png": bytes(20_000)}), "expected at most", max_gb=1e-5)
    assert not list((tmp_path / "unpacked").rglob("*.png"))


def test_a_bomb_needs_little_memory(tmp_path: Path) -> None:
    with lzma.open(tmp_path / "x.tar.xz", "wb", preset=0) as xz:
        info = tarfile.TarInfo("bomb.png")
        info.size = 200_000_000
        xz.write(info.tobuf())
        for _ in range(200):
            xz.write(bytes(1_000_000))
    tracemalloc.start()
    refused(tmp_path / "x.tar.xz", "expected at most 0.01 GB", max_gb=0.01)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", FILES)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    refused(path, "expected no password, found an encrypted archive")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("compression", ENDINGS)
def test_a_truncated_archive_is_refused(tmp_path: Path, compression: str, part: float) -> None:
    path = tmp_path / "x.bin"
    files = {f"{index}.png": bytes(range(256)) * (index + 1) for index in range(20)}
    _ = zipped(path, files) if compression == "zip" else tarred(path, files, compression)
    data = path.read_bytes()
    if not compression:
        data = data[: data.index(bytes(1024)) + 600]  # without the padding, which may be cut
    path.write_bytes(data[: int(len(data) * part)])
    refused(path, "expected ")


def test_a_tar_that_ends_between_two_members_is_refused(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", {"1.png": bytes(512), "2.png": bytes(512)})
    path.write_bytes(path.read_bytes()[: 2 * 512])
    refused(path, "found a damaged one")


def test_a_tar_damaged_between_two_members_is_refused(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", {"1.png": bytes(512), "2.png": bytes(512)})
    data = bytearray(path.read_bytes())
    data[2 * 512 : 2 * 512 + 100] = b"x" * 100
    path.write_bytes(data)
    refused(path, "found a damaged one")


@pytest.mark.parametrize("compression", ["zip", "gz"])
def test_a_changed_byte_of_an_image_is_noticed(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "x.bin"
    if compression == "zip":
        zipped(path, FILES, compression=zipfile.ZIP_STORED)
        data = bytearray(path.read_bytes())
        data[data.index(b"111")] ^= 1
    else:
        tarred(path, {"1.png": bytes(range(256)) * 40}, "gz")
        data = bytearray(path.read_bytes())
        data[-6] ^= 1  # of the checksum at the end
    path.write_bytes(data)
    refused(path, "found a damaged one")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\n <!DOCTYPE html><html>", "an HTML page"),
        (zlib.compress(b"x" * 999, wbits=31), "gzip data that holds no whole tar"),
        (b"something else entirely", "another kind of file"),
    ],
)
def test_a_file_that_is_no_archive_is_named_for_what_it_looks_like(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    refused(path, f"expected {archives.KINDS}, found {found}")


def test_names_in_utf8_without_its_flag_are_read_as_such_and_others_as_cp437(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"ä/日本.png": b"1", "Q.png": b"2"})
    data = bytearray(path.read_bytes().replace(b"Q.png", "é.png".encode("cp437")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(signature) + offset
        assert struct.unpack_from("<H", data, place)[0] & archives.UTF8
        struct.pack_into("<H", data, place, 0)
    path.write_bytes(data)
    assert set(unpacked(path)) == {"ä/日本.png", "é.png"}


def test_backslashes_in_a_zip_are_folders(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {"a\\": b"", "a\\1.png": b"1"})
    assert unpacked(archive) == {"a/1.png": b"1"}


def test_accents_stored_apart_are_composed(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {unicodedata.normalize("NFD", "Größe/ä ö.png"): b"1"})
    assert unpacked(archive) == {"Größe/ä ö.png": b"1"}


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = tarred(tmp_path / "x.tar", FILES)
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo("./a/1.png")
        archive.addfile(info)
    refused(path, "cannot be unpacked (File exists")


def test_a_file_that_is_a_folder_too_is_one_line(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "x.zip", {"a": b"1", "a/1.png": b"1"}), "cannot be unpacked")


def test_a_name_too_long_for_the_file_system_is_one_line(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "x.zip", {"a" * 300 + ".png": b"1"}), "cannot be unpacked (File name too long")


def test_junk_is_not_unpacked_but_counted(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {**FILES, "__MACOSX/._1.png": b"", "a/Thumbs.db": b"", "__MACOSX/": b""})
    assert [(row.kind, row.files) for row in unpack(archive, tmp_path / "unpacked", 1.0, "x.zip")] == [("junk", 2)]
    assert len(list((tmp_path / "unpacked").rglob("*.*"))) == len(FILES)
