"""One thin entry point per pipeline stage, run as ``python -m stages.NAME``."""
