"""`python -m src.reproduce`: runs params.yaml as it stands, one for a source of your own, or a preset."""

import argparse
import logging
import sys
from pathlib import Path

from src import config, presets, tracking
from src.core import console, dvc_command, dvc_state
from src.core.errors import AssayError
from src.core.git_command import git
from src.core.paths import PARAMS
from src.start import __main__ as start

log = logging.getLogger(__name__)
IMPORTED = Path("data")  # `dvc repro` itself creates it, from data.dvc


def main() -> None:
    """Write params.yaml if a source or a preset is named, run the pipeline, and make sure that its run is tracked."""
    asked = _parser().parse_args()
    home = Path.cwd()
    if asked.preset:
        _put(asked, home)
    elif asked.source:
        start.run(asked.source, presets.given(asked.set), home, yes=asked.yes)
    elif asked.set:
        raise AssayError(
            "expected a source (images of your own) or the name of a preset before other values; known presets: "
            f"{', '.join(presets.names(home))}. For params.yaml as it stands: dvc exp run -S key=value"
        )
    config.load()  # of a misspelt layout or model, DVC would only say that a file is missing
    if code := dvc_command.run("repro"):
        sys.exit(code)
    tracking.record()
    if changed := _changed():
        log.info("changed: %s; to keep this state: git commit -m 'what was tried' %s", changed, changed)


def _changed() -> str:
    """Return the names of the experiment's files that differ from the commit; "" without git."""
    found = git(Path(), "status", "--porcelain", "-z", "--", str(PARAMS), *map(str, dvc_state.WRITTEN)) or ""
    return " ".join(line[3:] for line in found.split("\0") if line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m src.reproduce",
        description="Run the pipeline with params.yaml as it stands, or first write one for --source or from a preset.",
        epilog="python -m src.presets lists the presets. To return to the default: covid_compact.",
    )
    parser.add_argument("preset", nargs="?", metavar="PRESET", help="default: params.yaml as it stands")
    parser.add_argument("--source", metavar="PATH", help="your images; with a preset: instead of its samples")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="other values, as split.by=image"
    )
    parser.add_argument("--yes", action="store_true", help="replace a params.yaml that has edits; a copy is kept")
    return parser


def _put(asked: argparse.Namespace, home: Path) -> None:
    """Check everything, then write params.yaml.

    Raises:
        AssayError: the preset, a value or the source does not exist or is not allowed, or edits would be lost.
    """
    text, checked = presets.made(asked.preset, asked.source, presets.given(asked.set), home)
    _check_source(checked.dataset.source)
    copy = presets.replace(text, home, yes=asked.yes)
    before = f"; the old one is {copy.name}" if copy else ""
    log.info("params.yaml: %s on %s%s", asked.preset, checked.dataset.source, before)


def _check_source(source: str) -> None:
    if source.startswith(("http://", "https://", "kaggle:")):
        return
    path = Path(source).expanduser()
    coming = path.is_relative_to(IMPORTED) and IMPORTED.with_suffix(".dvc").exists() and not IMPORTED.exists()
    if not path.exists() and not coming:
        raise AssayError(f"dataset.source: expected the path of a folder or an archive, found nothing at {source}")


if __name__ == "__main__":
    console.run(main)
