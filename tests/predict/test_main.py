"""`python -m src.predict`: a table, files and heat maps for whatever is named, and one line for what cannot be read."""

import io
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.core import console
from src.core.files import read_csv
from src.predict import __main__ as face
from tests.conftest import ROOT
from tests.export.helpers import IMAGES, SIDE, Built, built

UNWANTED = ("tensorflow", "keras", "mlflow", "pandas", "sklearn", "matplotlib", "scipy", "dvc", "tf2onnx")


@pytest.fixture(scope="session")
def made() -> Built:
    return built()


class Said:
    """What a command wrote, and its exit code."""

    def __init__(self, out: str, err: str, code: int) -> None:
        self.out, self.err, self.code = out, err, code


@pytest.fixture
def predict(
    made: Built, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[object]:
    """Give the command as a function, run where nothing else is."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object, model: object = made.bundle.folder, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["predict", "--model", str(model), *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = 0
        try:
            console.run(face.main)
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Said(captured.out, captured.err, code)

    return run  # type: ignore[return-value]


def images(made: Built) -> Path:
    return made.raw.folder / "SICK"


def test_nothing_that_takes_seconds_to_import_is_loaded(made: Built) -> None:
    code = (
        "import sys; from src.predict import __main__; from src.export import load; "
        f"load({str(made.bundle.folder)!r}).predict({str(made.raw.folder / 'NORMAL' / 'slice.dcm')!r}); "
        f"print(sorted({set(UNWANTED)!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_one_image_is_a_line_of_a_table(predict, made: Built) -> None:  # type: ignore[no-untyped-def]
    said = predict(images(made) / "01.png")
    head, line = said.out.splitlines()
    assert head.split() == ["file", "class", "p(SICK)", "threshold", "flags"]
    assert line.split()[0] == str(images(made) / "01.png")
    assert line.split()[1] in {"NORMAL", "SICK"}
    assert said.code == 0


def test_folders_archives_and_a_list_give_the_same_answers(predict, made: Built, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    archive = shutil.make_archive(str(tmp_path / "images"), "gztar", images(made))
    listed = "\n".join(str(path) for path in sorted(images(made).iterdir()))
    found = {}
    for name, words, stdin in (("a", [images(made)], ""), ("b", [archive], ""), ("c", ["-"], listed)):
        assert predict(*words, "--output", f"{name}.csv", stdin=stdin).code == 0
        rows = read_csv(Path(f"{name}.csv"))
        found[name] = [(Path(row.pop("file")).name, row) for row in rows]
    assert found["a"] == found["b"] == found["c"]
    assert len(found["a"]) == IMAGES / 2
    assert {"class", "probability", "threshold", "flags", "p_SICK", "uncalibrated_SICK"} <= found["a"][0][1].keys()


def test_json_holds_numbers_and_lists(predict, made: Built) -> None:  # type: ignore[no-untyped-def]
    predict(images(made) / "01.png", "--output", "a.json")
    (row,) = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert isinstance(row["flags"], list)
    assert row["p_NORMAL"] + row["p_SICK"] == pytest.approx(1)


def test_what_cannot_be_read_is_one_line_each_and_the_rest_is_predicted(predict, made: Built, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from tests.images.test_dicom import write as write_dicom

    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("text")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no more")
    (tmp_path / "huge.png").write_bytes(_huge_png())
    whole = (images(made) / "01.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    slice_ = write_dicom(tmp_path / "pixelless.dcm", np.zeros((16, 16), np.int16))
    _drop_pixels(slice_)
    bad = {
        "text.png": "not an image in a known format",
        "empty.png": "empty file",
        "folder": "expected images, found an empty folder",
        "notes": "expected images, found 1 other file",
        "broken.zip": "expected a whole archive",
        "huge.png": "too large: 50000x50000",
        "cut.png": "truncated",
        "pixelless.dcm": "",
        "nothing.png": "file not found",
    }
    said = predict(*bad, images(made) / "01.png")
    assert len(said.out.splitlines()) == 2
    lines = said.err.splitlines()
    for name, words in bad.items():
        (line,) = [line for line in lines if line.startswith(f"{name}: ")]
        assert words in line
    assert lines[-1] == "error: 9 of 10 could not be predicted"
    assert said.code == 1


def test_the_rest_of_a_folder_is_predicted_where_a_part_of_it_is_locked(  # type: ignore[no-untyped-def]
    predict, made: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ward" / "locked").mkdir(parents=True)
    shutil.copy(images(made) / "01.png", tmp_path / "ward")
    scan = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("locked"):  # file permissions do not keep root out
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    said = predict("ward")
    assert len(said.out.splitlines()) == 2
    assert "ward/locked: cannot be read: Permission denied\n" in said.err
    assert said.code == 1


def test_a_heat_map_lies_over_the_image_that_the_network_saw(predict, made: Built) -> None:  # type: ignore[no-untyped-def]
    source = images(made) / "01.png"
    said = predict(source, "--explain", "maps", "--class", "SICK", "--output", "a.json")
    assert said.code == 0
    (row,) = json.loads(Path("a.json").read_text(encoding="utf-8"))
    shown = np.asarray(Image.open(row["explanation"]))
    assert shown.shape == (SIDE, SIDE, 3)
    from src.export import load

    prepared = load(made.bundle.folder).predict(source).image[..., 0]
    untouched = (shown == shown[..., :1]).all(axis=2)
    assert untouched.any()
    np.testing.assert_array_equal(shown[untouched][:, 0], prepared[untouched])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--class", "SIC"], "error: --class: expected one of NORMAL, SICK, found 'SIC'"),
        (["--output", "a.xlsx"], "error: --output: expected a name that ends with .csv or .json, found 'a.xlsx'"),
        (["--model", "nowhere"], "error: nowhere: expected a bundle, found nothing; make one with `dvc repro export`"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(predict, words: list[str], message: str) -> None:  # type: ignore[no-untyped-def]
    said = predict("a.png", *words)
    assert said.err.startswith(message)
    assert len(said.err.splitlines()) == 1
    assert said.code == 1


def test_the_help_has_three_examples(predict) -> None:  # type: ignore[no-untyped-def]
    assert predict("--help").out.count("\n  python -m src.predict ") == 3


def _huge_png() -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)

    header = (50_000).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def _drop_pixels(path: Path) -> None:
    import pydicom

    found = pydicom.dcmread(path)
    del found.PixelData
    found.save_as(path)
