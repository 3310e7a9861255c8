"""The stages before training, brought up to date through DVC before a study reads what they wrote."""

import logging
import os

from src.core import dvc_command
from src.core.errors import AssayError

log = logging.getLogger(__name__)
LAST = "split"
WITHIN = "DVC_STAGE"  # set by DVC for the command of a stage, whose repository is locked and whose inputs are ready


def bring_up_to_date() -> None:
    """Run `dvc repro split` where something that the parts depend on has changed.

    Raises:
        AssayError: a stage failed; it has said why.
        KeyboardInterrupt: asked for by Ctrl-C, after DVC came to its end.
    """
    if WITHIN in os.environ:
        return
    if dvc_command.run("status", "--quiet", "--with-deps", LAST) == 0:
        return
    log.info("inputs: dvc repro %s", LAST)
    code = dvc_command.run("repro", LAST)
    if code:
        raise AssayError(f"inputs: expected `dvc repro {LAST}` to succeed, found exit code {code}; see above")
