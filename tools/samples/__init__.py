"""Generated sample images: one module per data set, each with `write(folder, seed)`.

A set is written to a folder with its module's name, in the layout of the archive that it stands for.
"""

from pathlib import Path

from src.core.files import replacing
from tools.samples import blood_cells, chest_xray, covid_ct, malaria

SEED = 42


def write(output: Path, seed: int = SEED) -> None:
    """Write every sample set below `output`; the same seed gives the same bytes."""
    for module in (blood_cells, chest_xray, covid_ct, malaria):
        with replacing(output / module.__name__.rpartition(".")[2]) as folder:
            module.write(folder, seed)
