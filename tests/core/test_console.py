"""A person's mistake is one line, not a traceback; an interruption says how to go on."""

import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def run(body: str) -> "subprocess.CompletedProcess[str]":
    imports = "from src.core import console\nfrom src.core.errors import AssayError\n"
    code = f"{imports}def main():\n    {body}\nconsole.run(main)"
    return python(code)


def python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("body", "exit_code", "stderr"),
    [
        ("pass", 0, ""),
        ("raise AssayError('a.csv: expected x, found y')", 1, "error: a.csv: expected x, found y\n"),
        (
            "raise KeyboardInterrupt",
            130,
            "\ninterrupted: what was finished is kept, the same command goes on from there\n",
        ),
    ],
)
def test_ends_with_exit_code_and_message(body: str, exit_code: int, stderr: str) -> None:
    done = run(body)
    assert (done.returncode, done.stderr) == (exit_code, stderr)


@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("package", ["src", "stages"])
def test_ctrl_c_while_a_command_is_still_importing_leaves_no_traceback(package: str) -> None:
    code = f"import os, signal, sys; sys.argv[0] = '-m'; import {package}; os.kill(os.getpid(), signal.SIGINT)"
    done = python(code)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
    library = code.replace("sys.argv[0] = '-m'; ", "")  # whoever imports us keeps Python's own way
    assert "KeyboardInterrupt" in python(library).stderr


def test_a_full_disk_is_a_line_also_where_no_file_is_named() -> None:
    done = run("import errno; raise OSError(errno.ENOSPC, 'No space left on device')")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "make room on its disk: No space left on device" in done.stderr


def test_a_fault_of_the_code_keeps_its_traceback() -> None:
    assert "Traceback" in run("1 / 0").stderr


SECRET = "http://me:wo@rd@host/a.zip?token=word"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (f"raise AssayError('{SECRET} \\x1b[2J')", "error: http://host/a.zip \\x1b[2J"),
        (f"import logging; logging.getLogger('src.x').info('%s', '{SECRET} \\x1b[2J')", "http://host/a.zip \\x1b[2J"),
        (f"raise ValueError('{SECRET} \\x1b[2J')", "ValueError: http://host/a.zip \\x1b[2J"),
        (f"console.say('{SECRET} \\x1b[2J')", "http://host/a.zip \\x1b[2J"),
    ],
)  # fmt: skip
def test_whatever_is_written_has_no_secret_and_no_control_character(body: str, shown: str) -> None:
    done = run(body)
    last = (done.stdout + done.stderr).strip().splitlines()[-1]
    assert last == shown
