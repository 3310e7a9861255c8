"""`python -m src.presets`: the known experiments, what they reached, and the commands that run all of them."""

import argparse
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from src import presets
from src.config import source_name
from src.core import console, markdown, paths
from src.core.errors import AssayError
from src.presets import comparisons, results_table
from src.presets.catalog import Preset
from src.presets.results_table import KINDS, variants
from src.tracking import query


def main() -> None:
    """List the presets, write the table of their scores, or list the commands that run them on real data."""
    asked = _parser().parse_args()
    home = Path.cwd()
    known = [presets.read(name, home) for name in presets.names(home)]
    if asked.write:
        _write(asked, known)
    elif asked.commands:
        sources = archives(known, asked.commands)
        listed = [*commands(known, sources), *comparisons.commands(sources)]
        sys.stdout.write("".join(f"{line}\n" for line in listed))
    else:
        width = min(120, shutil.get_terminal_size((120, 24)).columns)
        described = "\n\n".join(describe(preset, width) for preset in known)
        sys.stdout.write(f"{described}\n\nmake repro PRESET=NAME [SOURCE=path] runs one\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m src.presets", description="List the known experiments.")
    parser.add_argument(
        "--write", type=Path, metavar="FILE",
        help=f"write a table of their scores in tracked runs between {markdown.START} and {markdown.END} in FILE",
    )  # fmt: skip
    parser.add_argument("--data", nargs="+", default=[], metavar="NAME", help="of these data, else of all but samples")
    parser.add_argument(
        "--commands", type=Path, metavar="FOLDER",
        help="print the commands that run all of them on the archives in a folder, each with every kind of split, and "
        "those of docs/comparisons.md",
    )  # fmt: skip
    return parser


def describe(preset: Preset, width: int) -> str:
    """Describe a preset in a few lines: what it is, and each field of its header."""
    params = preset.params
    data, epochs = source_name(params.dataset.source), f"{params.train.epochs} epochs"
    lines = [f"{preset.name}: {data}, {results_table.picture(preset)}, {params.model.name}, {epochs}"]
    for name, text in preset.header.items():
        lines += textwrap.wrap(
            f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
    return "\n".join(lines)


def archives(known: list[Preset], folder: Path) -> dict[str, Path]:
    """Find the archive of each preset, whose name begins with that of the samples that it takes the place of.

    Raises:
        AssayError: the folder has no archive for a preset, or several.
    """
    found: dict[str, Path] = {}
    for preset in known:
        samples = source_name(preset.params.dataset.source)
        match sorted(folder.glob(f"{samples}*")):
            case [archive]:
                found[preset.name] = archive
            case several:
                names = ", ".join(path.name for path in several) or "none"
                raise AssayError(
                    f"{folder}: expected one archive or folder {samples}* for {preset.name}, found {names}"
                )
    return found


def commands(known: list[Preset], sources: Mapping[str, Path]) -> Iterator[str]:
    """Yield a command for each preset and kind of split."""
    for preset in known:
        for changes in variants(preset.params).values():
            pairs = " ".join(f"{key}={value}" for key, value in changes.items())
            source = shlex.quote(str(sources[preset.name]))
            yield f"python -m src.reproduce {preset.name} --source {source} --set {pairs}"


def _write(asked: argparse.Namespace, known: list[Preset]) -> None:
    rows = results_table.rows(known, query.detailed(query.read(paths.home()), paths.home()), asked.data)
    command = " ".join(["python -m src.presets", *map(shlex.quote, sys.argv[1:])])
    markdown.insert(asked.write, f"{markdown.table(rows)}\n\n{results_table.NOTE}\nWritten by `{command}`.")
    scored = sum(row[kind] != query.NOTHING for row in rows for kind in KINDS)
    sys.stderr.write(f"{asked.write}: {scored} run(s) of {len(known)} presets written\n")


if __name__ == "__main__":
    console.run(main)
