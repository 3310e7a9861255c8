"""`python -m src.page`: mistakes are one line, and what a killed page left behind goes."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from src.core import console
from src.page import __main__ as face
from tests.page import helpers


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return helpers.write(tmp_path_factory.mktemp("page") / "bundle").folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):  # type: ignore[no-untyped-def]
    """Give the command as a function that returns its only line of error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(face.signal, "signal", lambda *_: None)

    def line(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["page", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            console.run(face.main)
        assert end.value.code == 1
        (found,) = capsys.readouterr().err.splitlines()
        return str(found)

    return line


def test_a_port_in_use_is_one_line(run, model: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        expected = f"error: --port: {port} cannot be used (Address already in use); name another one"
        assert run("--model", model, "--port", port) == expected
    assert list(tmp_path.glob("assay-page-*")) == []
    assert run("--model", model, "--port", 70000).startswith("error: --port: 70000 cannot be used")


def test_without_gradio_one_line_says_how_to_install_it(run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(face, "find_spec", lambda name: None)
    assert "run `make setup`" in run("--model", model)


def test_a_bundle_that_is_none_is_one_line(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("--model", tmp_path / "nowhere").startswith(f"error: {tmp_path / 'nowhere'}: expected a bundle")


def test_the_folder_of_a_killed_page_is_removed_and_that_of_a_running_one_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (tmp_path / f"assay-page-{ended.pid}-x").mkdir()
    running = tmp_path / f"assay-page-{os.getpid()}-x"
    running.mkdir()
    with face._private_folder() as folder:
        assert sorted(tmp_path.iterdir()) == sorted([running, Path(folder)])
        assert tempfile.gettempdir() == folder
