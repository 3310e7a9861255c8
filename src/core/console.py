"""How an entry point starts and ends: messages instead of tracebacks, exit codes instead of exceptions.

Everything written here passes through `redact.terminal`, so callers need not remove secrets or control characters.
"""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from src.core import redact
from src.core.errors import AssayError
from src.core.files import NO_ROOM

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Formatter(logging.Formatter):
    """Formats a record as its message alone, followed by the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        return redact.terminal(super().format(record))


def run(main: Callable[[], None]) -> None:
    """Run an entry point: log to stderr, turn an AssayError into one line and exit code 1, Ctrl-C into 130."""
    log_to_stderr()
    sys.excepthook = _crash
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.getLogger("src").setLevel(os.environ.get("ASSAY_LOG", "INFO").upper())
    try:
        main()
    except AssayError as error:
        fail(str(error))
    except OSError as error:
        if error.filename is None and error.errno not in NO_ROOM:
            raise
        fail(f"{error.filename or 'a file cannot be written; make room on its disk'}: {error.strerror}")
    except KeyboardInterrupt as interrupt:
        traceback.clear_frames(interrupt.__traceback__)  # closes generators and files while the interpreter still runs
        sys.stderr.write("\ninterrupted: what was finished is kept, the same command goes on from there\n")
        sys.exit(INTERRUPTED)


def log_to_stderr() -> None:
    """Send the messages of every logger, from level INFO on, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def say(text: str) -> None:
    """Write a result to stdout; log messages go to stderr."""
    sys.stdout.write(f"{redact.terminal(text)}\n")
    sys.stdout.flush()


def agreed(question: str) -> bool:
    """Ask a yes/no question at the terminal; return False if there is no terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def fail(message: str) -> None:
    """Write an error line to stderr and exit with code 1."""
    sys.stderr.write(f"error: {redact.terminal(message)}\n")
    sys.exit(1)


def _crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(redact.terminal("".join(traceback.format_exception(kind, error, trace))))
