"""What decoding takes is bounded before it begins, whatever the folder holds, and a kill leaves the file's name."""

import io
import struct
import subprocess
import sys
import textwrap
import threading
import tracemalloc
import zlib
from pathlib import Path

import pydicom
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from src.images.decode import read
from src.images.limits import Memory, UnreadableError, report_killed
from tests.conftest import ROOT
from tests.images.helpers import save, smooth
from tests.images.test_dicom import RAMP, write


def bomb_png(side: int, depth: int, color: int, channels: int) -> bytes:
    """Write a square of black pixels, one row after the other."""
    deflater, row = zlib.compressobj(1), bytes(1 + side * channels * depth // 8)
    body = b"".join(deflater.compress(row) for _ in range(side)) + deflater.flush()
    header = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0)
    parts = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def deflated_dicom(path: Path, megabytes: int) -> None:
    """Write a small deflated slice that carries a private element of so many zeros."""
    write(path, RAMP, WindowCenter=128, WindowWidth=256)
    found = pydicom.dcmread(path)
    found.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    found.private_block(0x0009, "TEST", create=True).add_new(0x01, "OB", bytes(megabytes * 10**6))
    pydicom.dcmwrite(path, found, enforce_file_format=True)


def refuse(path: Path, reason: str, max_megapixels: float = 100.0) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(path, max_megapixels)


def test_bytes_count_not_only_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bomb_png(1_000, 16, 6, 4))
    refuse(tmp_path / "a.png", r"too large: 1000x1000 in this format takes 16 MB to decode.*allows 10 MB", 1.0)


@pytest.mark.parametrize("name", ["a.bmp", "a.ppm"])
def test_a_file_that_is_not_compressed_counts_too(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (1_000, 980)).save(tmp_path / name)
    refuse(tmp_path / name, r"too large: 1000x980 in this format takes 13 MB to decode.*allows 10 MB", 1.0)


@pytest.mark.parametrize(("color", "channels"), [(4, 2), (6, 4)])
def test_transparency_is_blended_within_what_was_claimed(tmp_path: Path, color: int, channels: int) -> None:
    claims: list[float] = []
    (tmp_path / "a.png").write_bytes(bomb_png(2_000, 8, color, channels))
    tracemalloc.start()
    read(tmp_path / "a.png", 100.0, claim=claims.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < claims[0] + 8 * 10**6


def test_a_deflated_dicom_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    deflated_dicom(tmp_path / "a.dcm", 40)
    assert (tmp_path / "a.dcm").stat().st_size < 100_000
    refuse(tmp_path / "a.dcm", "deflated DICOM: save it anew, uncompressed")


def test_a_frame_larger_than_its_dicom_file_says_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("L", (2000, 2000)).save(buffer, "JPEG")
    write(tmp_path / "a.dcm", RAMP, JPEGBaseline8Bit, PixelData=pydicom.encaps.encapsulate([buffer.getvalue()]))
    refuse(tmp_path / "a.dcm", "too large: 2000x2000", 1.0)


def test_run_lengths_that_could_become_too_much_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", RAMP, RLELossless, PixelData=pydicom.encaps.encapsulate([bytes(200_000)]))
    refuse(tmp_path / "a.dcm", "too large: 0.2 MB of run lengths", 1.0)


def test_a_jpeg_of_very_many_scans_is_refused(tmp_path: Path) -> None:
    content = save(tmp_path / "a.jpg", smooth(400, 500), progressive=True).read_bytes()
    read(tmp_path / "a.jpg", 0.2)
    last = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "b.jpg").write_bytes(content[:-2] + last * 30 + content[-2:])
    refuse(tmp_path / "b.jpg", "too large: a JPEG of 40 scans", 0.2)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux")
def test_the_peak_stays_within_its_limit(tmp_path: Path) -> None:
    # A quarter of 100 megapixels, so a quarter of the time: 250 MB for decoding, and what Python and OpenCV take.
    folder = tmp_path / "raw" / "a"
    folder.mkdir(parents=True)
    for name in "abcd":  # as large as it may be, and four at once
        (folder / f"{name}.png").write_bytes(bomb_png(4_999, 8, 2, 3))
    (folder / "e.png").write_bytes(bomb_png(4_999, 16, 6, 4))
    deflated_dicom(folder / "f.dcm", 200)
    Image.new("RGB", (4_900, 4_900), (200, 90, 30)).save(folder / "g.jpg", progressive=True)
    names = "".join(f"a/{path.name},a,,\n" for path in sorted(folder.iterdir()))
    (tmp_path / "raw" / "manifest.csv").write_text("path,label,group,fold\n" + names)
    script = (
        "import sys; from pathlib import Path; from src.preprocess.stage import run as prepare\n"
        "from src.core.paths import Prepared, Raw; from tests.images.helpers import section\n"
        "params = section(max_rejected=0.5, max_megapixels=25)\n"
        "prepare(Raw(Path(sys.argv[1])), Prepared(Path(sys.argv[2])), params, 4)\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "raw"), str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 450_000  # kB
    assert (tmp_path / "out" / "rejected.csv").read_text().count("too large") == 1
    assert not (tmp_path / "decoding.txt").exists()


def test_large_images_wait_for_each_other_and_small_ones_do_not() -> None:
    memory, done = Memory(100), threading.Event()

    def other() -> None:
        with memory.taking(60, "b"):
            done.set()

    thread = threading.Thread(target=other)
    with memory.taking(60, "a"):
        thread.start()
        with memory.taking(40, "c"):
            assert not done.wait(0.1)
    assert done.wait(10)
    thread.join()
    with memory.taking(float("inf"), "more than there is"):
        pass


def test_the_note_names_large_files_while_they_are_under_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory(1e9)
    memory.note = tmp_path / "decoding.txt"
    with memory.taking(1e6, "small"):
        assert not memory.note.exists()
    with pytest.raises(ZeroDivisionError), memory.taking(1e8, "raw/a.png"):
        raise ZeroDivisionError(memory.note.read_text())
    assert not memory.note.exists()


def test_the_next_run_names_the_file_at_which_the_last_was_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = (
        "import os, sys; from pathlib import Path; from src.images.limits import Memory\n"
        "memory = Memory(); memory.note = Path(sys.argv[1])\n"
        "with memory.taking(1e8, 'raw/a.png'): os._exit(9)\n"  # as after SIGKILL, nothing is tidied up
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "decoding.txt")], cwd=ROOT, check=False)
    report_killed(tmp_path / "decoding.txt")
    assert "the last run was killed while it decoded raw/a.png" in caplog.text
    assert not (tmp_path / "decoding.txt").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_freed_memory_goes_back_to_the_system() -> None:
    code = """
        import ctypes, os
        from src.images.limits import give_back
        give_back()
        c = ctypes.CDLL(None)
        c.malloc.restype, c.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        def resident(): return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        def taken(size):
            block = c.malloc(size)
            ctypes.memset(block, 1, size)
            return block
        c.free(taken(24 << 20))
        blocks = [taken(16 << 20) for _ in range(20)]
        before = resident()
        for block in blocks[:-1]:  # the last one keeps a heap from shrinking
            c.free(block)
        print(before - resident() > 250e6)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
