"""`python -m src.reproduce PRESET`: a known experiment in one command; without a preset, params.yaml as it stands."""

import argparse
import logging
import sys
from pathlib import Path

from src import config, presets, tracking
from src.core import console, dvc_command
from src.core.errors import AssayError

log = logging.getLogger(__name__)
IMPORTED = Path("data")  # made by `dvc repro` itself, from data.dvc


def main() -> None:
    """Put a preset in place of params.yaml, reproduce the pipeline and make sure that its run is tracked."""
    asked = _parser().parse_args()
    home = Path.cwd()
    if asked.preset:
        _put(asked, home)
    elif asked.source or asked.set or asked.keep:
        raise AssayError(
            f"expected the name of a preset before its values; known: {', '.join(presets.names(home))}. "
            "For params.yaml as it stands: dvc exp run -S key=value"
        )
    config.load()  # DVC itself tells of a misspelt layout or model only that a file of this name is missing
    if code := dvc_command.run("repro"):
        sys.exit(code)
    tracking.record()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m src.reproduce",
        description="Run a preset: it takes the place of params.yaml, `dvc repro` runs what is not in DVC's cache.",
        epilog="python -m src.presets lists them. The way back to the default: covid_compact.",
    )
    parser.add_argument("preset", nargs="?", metavar="PRESET", help="else params.yaml as it stands")
    parser.add_argument("--source", metavar="PATH", help="the data, else samples: what dataset.source may be")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="other values, as split.by=image"
    )
    parser.add_argument("--keep", type=Path, metavar="FILE", help="first copy params.yaml as it stands to this file")
    return parser


def _put(asked: argparse.Namespace, home: Path) -> None:
    """Check everything, then write params.yaml.

    Raises:
        AssayError: the preset, a value or the source is not there or not allowed, or params.yaml would be lost.
    """
    changes = presets.given(asked.set)
    checked = presets.made(asked.preset, asked.source, changes, home)[1]
    _check_source(checked.dataset.source)
    if asked.keep:
        presets.keep(home, asked.keep)
    presets.put(asked.preset, asked.source, changes, home, kept=bool(asked.keep))
    log.info("params.yaml: %s on %s", asked.preset, checked.dataset.source)


def _check_source(source: str) -> None:
    if source.startswith(("http://", "https://", "kaggle:")):
        return
    path = Path(source).expanduser()
    coming = path.is_relative_to(IMPORTED) and IMPORTED.with_suffix(".dvc").exists() and not IMPORTED.exists()
    if not path.exists() and not coming:
        raise AssayError(f"dataset.source: expected the path of a folder or an archive, found nothing at {source}")


if __name__ == "__main__":
    console.run(main)
