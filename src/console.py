"""How an entry point starts and ends: messages instead of tracebacks, exit codes instead of exceptions."""

import logging
import os
import sys
import traceback
from collections.abc import Callable

from src.errors import AssayError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def run(main: Callable[[], None]) -> None:
    """Run an entry point: log to stderr, turn an AssayError into one line and exit code 1, Ctrl-C into 130."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("src").setLevel(os.environ.get("ASSAY_LOG", "INFO").upper())
    try:
        main()
    except AssayError as error:
        fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt as interrupt:
        traceback.clear_frames(interrupt.__traceback__)  # what was under way ends before the interpreter does
        sys.stderr.write("\ninterrupted: what was finished is kept, the same command goes on from there\n")
        sys.exit(INTERRUPTED)


def say(text: str) -> None:
    """Write a result to stdout, where messages do not stand."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def fail(message: str) -> None:
    """Write an error line to stderr and leave with exit code 1."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(1)
