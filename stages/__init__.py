"""One thin entry point per pipeline stage, run as ``python -m stages.NAME``."""

import src  # noqa: F401  which answers Ctrl-C from the first import on
