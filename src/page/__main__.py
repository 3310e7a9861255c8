"""Open a page on this machine that answers for images: class, calibrated probability, and where the network looked."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import psutil

from src.core import console
from src.core.errors import AssayError
from src.core.paths import BUNDLE
from src.export import load
from src.page import server

PORT = 7860
FOLDER = "assay-page-"  # and the process that it belongs to
MISSING = "the page needs Gradio, which is not installed: run `make setup`, or `pip install -r requirements.txt`"


def main() -> None:
    """Serve the page until Ctrl-C or a kill."""
    asked = _parser().parse_args()
    if find_spec("gradio") is None:
        raise AssayError(MISSING)
    predictor = load(asked.model)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the folder is removed on the way out
    with ExitStack() as held:
        listening = held.enter_context(server.bind(asked.port))
        folder = held.enter_context(_private_folder())
        page = server.build(predictor, folder)
        console.say(f"http://127.0.0.1:{listening.getsockname()[1]}  (Ctrl-C ends it)")
        try:
            server.serve(page, listening)
        except KeyboardInterrupt:
            sys.stderr.write("\nended: what was uploaded is removed\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m src.page", description=__doc__)
    parser.add_argument(
        "--model", type=Path, default=BUNDLE.folder, metavar="BUNDLE", help="a folder or .zip (%(default)s)"
    )
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help="of this machine alone (%(default)s)")
    return parser


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """Make the folder, for this user alone, that everything temporary goes to, and remove those of killed pages."""
    for old in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        owner = old.name.removeprefix(FOLDER).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    made = tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-", ignore_cleanup_errors=True)
    tempfile.tempdir = made.name
    return made


if __name__ == "__main__":
    console.run(main)
