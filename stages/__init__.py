"""One thin entry point per pipeline stage, run as ``python -m stages.NAME``."""

import src  # noqa: F401  it handles Ctrl-C from the first import on
