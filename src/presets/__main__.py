"""`python -m src.presets`: the known experiments."""

import argparse
import shutil
import sys
import textwrap
from pathlib import Path

from src import console, presets
from src.params import source_name
from src.presets.reading import Preset


def main() -> None:
    """List the presets."""
    argparse.ArgumentParser("python -m src.presets", description="List the known experiments.").parse_args()
    home = Path.cwd()
    width = min(120, shutil.get_terminal_size((120, 24)).columns)
    texts = (describe(presets.read(name, home), width) for name in presets.names(home))
    sys.stdout.write("\n\n".join(texts) + "\n\nmake repro PRESET=NAME [SOURCE=path] runs one\n")


def describe(preset: Preset, width: int) -> str:
    """Describe a preset in a few lines: what it is, and each field of its header."""
    params = preset.params
    what = [source_name(params.dataset.source), picture(preset), params.model.name, f"{params.train.epochs} epochs"]
    lines = [f"{preset.name}: {', '.join(what)}"]
    for name, text in preset.header.items():
        lines += textwrap.wrap(
            f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
    return "\n".join(lines)


def picture(preset: Preset) -> str:
    """Say what the model sees.

    >>> picture(presets.read("blood_cnn"))
    '60x80 RGB'
    """
    height, width = preset.params.preprocess.sides
    return f"{height}x{width} {preset.params.preprocess.color.replace('rgb', 'RGB')}"


if __name__ == "__main__":
    console.run(main)
