"""Every kind of file becomes pixels, or a reason why not."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from src.images.decode import Facts, read
from src.images.limits import UnreadableError
from tests.images.helpers import save, smooth

COLOR = smooth()
GRAY = smooth(channels=1)


def refuse(path: Path, reason: str, max_megapixels: float = 1.0) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(path, max_megapixels)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_colour_is_read_as_rgb(tmp_path: Path, suffix: str) -> None:
    image, facts = read(save(tmp_path / f"a.{suffix}", COLOR), 1.0)
    np.testing.assert_array_equal(image, COLOR)
    assert facts[:3] == (64, 48, 3)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "pgm", "gif"])
def test_gray_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    image, facts = read(save(tmp_path / f"a.{suffix}", GRAY), 1.0, gray=True)
    np.testing.assert_array_equal(image, GRAY)
    assert facts.channels == 1


@pytest.mark.parametrize("suffix", ["jpg", "webp", "jp2"])
def test_lossy_formats_are_read_close_to_the_original(tmp_path: Path, suffix: str) -> None:
    image, facts = read(save(tmp_path / f"a.{suffix}", COLOR, quality=95), 1.0)
    assert np.abs(image.astype(int) - COLOR).mean() < 3
    assert facts.channels == 3


def test_facts_are_those_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", GRAY)
    assert read(path, 1.0)[1] == Facts(64, 48, 1, "JPEG", path.stat().st_size)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_colours_are_weighed_as_bt601_says(tmp_path: Path, suffix: str) -> None:
    image = np.zeros((16, 48, 3), np.uint8)
    image[:, :16, 0], image[:, 16:32, 1], image[:, 32:, 2] = 200, 200, 200
    read_gray, _ = read(save(tmp_path / f"a.{suffix}", image, quality=95, subsampling=0), 1.0, gray=True)
    np.testing.assert_allclose(read_gray[8, [8, 24, 40]], [60, 117, 23], atol=2)  # 0.299, 0.587, 0.114 of 200


def test_gray_stored_as_colour_keeps_its_levels(tmp_path: Path) -> None:
    image, _ = read(save(tmp_path / "a.png", np.dstack([GRAY] * 3)), 1.0, gray=True)
    np.testing.assert_array_equal(image, GRAY)


def test_an_opaque_alpha_channel_is_dropped(tmp_path: Path) -> None:
    image, facts = read(save(tmp_path / "a.png", np.dstack([COLOR, np.full((48, 64), 255, np.uint8)])), 1.0)
    np.testing.assert_array_equal(image, COLOR)
    assert facts.channels == 4


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_transparent_pixels_are_blended_onto_black(tmp_path: Path, suffix: str) -> None:
    image = np.full((16, 16, 4), 200, np.uint8)
    image[:8, :, 3], image[8:, :, 3] = 0, 51  # 51 of 255 is a fifth
    read_image, _ = read(save(tmp_path / f"a.{suffix}", image), 1.0)
    assert (read_image[:8] == 0).all()
    assert (read_image[8:] == 40).all()


def test_gray_with_alpha_stays_gray(tmp_path: Path) -> None:
    image, facts = read(save(tmp_path / "a.png", np.dstack([GRAY, np.full((48, 64), 255, np.uint8)])), 1.0)
    np.testing.assert_array_equal(image, GRAY)
    assert facts.channels == 2


def test_a_palette_gives_its_colours(tmp_path: Path) -> None:
    indices = Image.fromarray(np.repeat(np.uint8([[0, 1]]), 8, axis=0).repeat(8, axis=1), "P")
    indices.putpalette([10, 20, 30, 200, 100, 50])
    indices.save(tmp_path / "a.png")
    image, facts = read(tmp_path / "a.png", 1.0)
    assert image[0, 0].tolist() == [10, 20, 30]
    assert image[0, 15].tolist() == [200, 100, 50]
    assert facts.channels == 1


def test_a_transparent_palette_entry_becomes_black(tmp_path: Path) -> None:
    indices = Image.fromarray(np.repeat(np.uint8([[0, 1]]), 8, axis=0).repeat(8, axis=1), "P")
    indices.putpalette([10, 20, 30, 200, 100, 50])
    indices.save(tmp_path / "a.png", transparency=1)
    assert read(tmp_path / "a.png", 1.0)[0][0, 15].tolist() == [0, 0, 0]


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(GRAY > 128).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png", 1.0)[0], (GRAY > 128) * np.uint8(255))


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    Image.fromarray(COLOR).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    image, facts = read(tmp_path / "a.jpg", 1.0)
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - COLOR).mean() < 4
    assert facts.channels == 4


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_from_their_own_minimum_and_maximum(tmp_path: Path, suffix: str) -> None:
    values = np.full((16, 16), 1000, np.uint16)  # a scanner's 12 bits: the upper 8 of 16 would be nearly black
    values[0] = values[1] = 2000
    values[0, 0], values[0, 2] = 1000, 3000
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), values)
    assert read(tmp_path / f"a.{suffix}", 1.0)[0][0, :3].tolist() == [0, 128, 255]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_burnt_in_marker_does_not_make_the_rest_black(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).integers(200, 3000, (64, 64), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / f"plain.{suffix}"), values)
    values[:3, :6] = 65535
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), values)
    image, _ = read(tmp_path / f"a.{suffix}", 1.0)
    assert (image[:3, :6] == 255).all()
    assert len(np.unique(image)) > 120  # with the marker as the maximum 12
    plain, _ = read(tmp_path / f"plain.{suffix}", 1.0)
    assert plain.min() == 0
    assert plain.max() == 255  # without outliers nothing is cut


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_of_colour_keep_their_hue(tmp_path: Path, suffix: str) -> None:
    values = np.zeros((16, 16, 3), np.uint16)
    values[...] = (0, 500, 1000)  # blue, green, red for OpenCV
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), values)
    assert read(tmp_path / f"a.{suffix}", 1.0)[0][0, 0].tolist() == [255, 128, 0]


def test_floating_point_is_scaled_and_nan_is_black(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)
    values[0, 1] = np.nan
    Image.fromarray(values).save(tmp_path / "a.tif")
    image, _ = read(tmp_path / "a.tif", 1.0)
    assert image[0, :2].tolist() == [0, 0]
    assert image[-1, -1] == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_the_image_is_turned_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    quarters = np.kron(np.uint8([[10, 90], [170, 250]]), np.ones((16, 24), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    # How the EXIF standard stores what shall be seen as `quarters`: row 0 and column 0 of the file are at these sides.
    stored = {
        1: quarters, 2: quarters[:, ::-1], 3: quarters[::-1, ::-1], 4: quarters[::-1],
        5: quarters.T, 6: np.rot90(quarters), 7: quarters[::-1, ::-1].T, 8: np.rot90(quarters, -1),
    }[orientation]  # fmt: skip
    path = save(tmp_path / f"a.{suffix}", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_allclose(read(path, 1.0, gray=True)[0], quarters, atol=3)


@pytest.mark.parametrize("name", ["with space.png", "Jürgen, ß.png", "肺.jpg", "%41&?.png"])
def test_names_may_hold_anything(tmp_path: Path, name: str) -> None:
    assert read(save(tmp_path / "a folder" / name, GRAY), 1.0)[0].shape == (48, 64)


def test_a_file_is_known_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    content = save(tmp_path / "a.png", GRAY).read_bytes()
    for name in ("a.dcm", "a.jpg", "a.IMA", "a"):
        (tmp_path / name).write_bytes(content)
        image, facts = read(tmp_path / name, 1.0)
        assert facts.format == "PNG"
        np.testing.assert_array_equal(image, GRAY)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    refuse(tmp_path / "a.png", "empty file")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    refuse(tmp_path / "a.png", "not found")
    (tmp_path / "b.png").mkdir()
    refuse(tmp_path / "b.png", "cannot be read")


@pytest.mark.parametrize("content", [b"hello, this is a text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", bytes(5000)])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    refuse(tmp_path / "a.png", "not an image")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "gif", "webp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = save(tmp_path / f"a.{suffix}", smooth(100, 100))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refuse(path, "truncated|damaged|not an image")


@pytest.mark.parametrize(("suffix", "lost"), [("png", 12), ("jpg", 2)])
def test_a_file_without_its_end_marker_is_refused(tmp_path: Path, suffix: str, lost: int) -> None:
    path = save(tmp_path / f"a.{suffix}", COLOR)
    path.write_bytes(path.read_bytes()[:-lost])
    refuse(path, "truncated: the PNG file stops after|Premature end of JPEG file")


def test_a_truncated_jpeg_with_an_embedded_preview_is_refused(tmp_path: Path) -> None:
    preview = save(tmp_path / "preview.jpg", smooth(16, 16)).read_bytes()
    path = save(tmp_path / "a.jpg", COLOR, exif=b"Exif\0\0" + preview)
    read(path, 1.0)
    path.write_bytes(path.read_bytes()[:-200])
    refuse(path, "Premature end of JPEG file")


def test_a_damaged_png_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", COLOR)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    refuse(path, "wrong checksum of IDAT")


def test_bytes_after_the_end_do_no_harm(tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        path = save(tmp_path / f"a.{suffix}", COLOR)
        path.write_bytes(path.read_bytes() + b"trailing")
        assert read(path, 1.0)[0].shape == COLOR.shape


def test_a_progressive_jpeg_is_read(tmp_path: Path) -> None:
    image, _ = read(save(tmp_path / "a.jpg", COLOR, quality=95, progressive=True), 1.0)
    assert np.abs(image.astype(int) - COLOR).mean() < 3


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_several_frames_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(smooth(seed=seed)) for seed in (1, 2)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    refuse(tmp_path / f"a.{suffix}", "several frames")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 100), (100, 1)])
def test_a_few_pixels_are_refused(tmp_path: Path, width: int, height: int) -> None:
    refuse(save(tmp_path / "a.png", np.zeros((height, width), np.uint8)), f"too small: {width}x{height}")


def test_too_many_pixels_are_refused_and_just_enough_are_not(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.zeros((100, 100), np.uint8))
    read(path, 0.01)
    refuse(path, "too large: 100x100", 0.0099)


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    # 60,000 x 60,000 pixels in a few bytes: there are no pixels to decode, so the header alone must have been judged
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = [struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    refuse(tmp_path / "a.png", "too large: 60000x60000", 100.0)


def test_an_absurdly_long_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(2**34)  # sparse: 16 GiB that take no disk
    refuse(tmp_path / "a.png", "too large: 17180 MB")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "gif", "webp", "ppm"])
def test_random_damage_never_ends_in_another_error(tmp_path: Path, suffix: str) -> None:
    good = save(tmp_path / f"a.{suffix}", smooth(24, 32)).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(60):
        content = np.frombuffer(good, np.uint8).copy()
        content[random.integers(len(content), size=5)] = random.integers(256, size=5)
        (tmp_path / "b").write_bytes(content.tobytes())
        try:
            image, _ = read(tmp_path / "b", 1.0)
        except UnreadableError:
            continue
        assert image.dtype == np.uint8
