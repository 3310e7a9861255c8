"""Generated sample images: one module per data set, each with `write(folder, seed)`.

A set is written to a folder of its module's name, in the layout of the archive that it stands for.
"""

from pathlib import Path

from src.core import registry
from src.core.files import replacing

PACKAGE = "samples"
SEED = 42


def write(output: Path, seed: int = SEED) -> None:
    """Write every sample set below `output`; the same seed gives the same bytes."""
    for name in registry.names(PACKAGE):
        with replacing(output / name) as folder:
            registry.load(PACKAGE, name).write(folder, seed)
