"""`python -m src.presets`: the known experiments and what they reached."""

import argparse
import shutil
import textwrap
from pathlib import Path

from src import presets
from src.config import source_name
from src.core import console
from src.presets.catalog import Preset


def main() -> None:
    """List the presets."""
    argparse.ArgumentParser("python -m src.presets", description=__doc__).parse_args()
    home = Path.cwd()
    width = min(120, shutil.get_terminal_size((120, 24)).columns)
    listed = "\n\n".join(describe(presets.read(name, home), width) for name in presets.names(home))
    console.say(f"{listed}\n\nmake repro PRESET=NAME [SOURCE=path] runs one")


def describe(preset: Preset, width: int) -> str:
    """Describe a preset in a few lines: what it is, and each field of its header."""
    params = preset.params
    data, epochs = source_name(params.dataset.source), f"{params.train.epochs} epochs"
    lines = [f"{preset.name}: {data}, {preset.picture}, {params.model.name}, {epochs}"]
    for name, text in preset.header.items():
        lines += textwrap.wrap(
            f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
    return "\n".join(lines)


if __name__ == "__main__":
    console.run(main)
