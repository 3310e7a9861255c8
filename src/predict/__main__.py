"""Predict images: class, calibrated probability, and whether the image is like those the network was trained on."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from src.core import console
from src.core.errors import AssayError
from src.core.files import replacing
from src.core.paths import BUNDLE, home
from src.core.progress import track
from src.core.redact import terminal
from src.download import archive, file_types
from src.export import load
from src.export.predictor import Prediction, Predictor, Source, Unreadable
from src.predict import answers

COMMAND = "python -m src.predict"
EXAMPLES = """\
examples:
  python -m src.predict scan.png                               one image
  python -m src.predict ward/ slices.zip --output answers.csv  folders and archives, as a table in a file
  python -m src.predict scan.dcm --explain maps/               with heat maps of where the network looked
"""
UNSAFE = re.compile(r"[^\w.-]+")  # in names that become file names
log = logging.getLogger(__name__)
STDIN = "-"
TRACKED = re.compile(r"models:/.+|[0-9a-f]{32}")  # how MLflow calls models and runs
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MAX_UNPACKED_GB = 20.0


def main(bundle: Path = BUNDLE.folder) -> None:
    """Predict what the command line names; exit with code 1 if a file could not be read.

    bundle: the folder of the bundle to use if the command line names none.
    """
    asked = _parser(bundle).parse_args()
    if asked.output and asked.output.suffix.lower() not in answers.KINDS:
        expected = f"expected a name that ends with {' or '.join(answers.KINDS)}"
        raise AssayError(f"--output: {expected}, found {asked.output.name!r}")
    with ExitStack() as held:
        predictor = load(locate(asked.model, held))
        if asked.label and asked.label not in predictor.about.classes:
            known = ", ".join(predictor.about.classes)
            raise AssayError(f"--class: expected one of {known}, found {asked.label!r}")
        found = find(asked.paths, held)
        rows, failed = _rows(predictor, found, asked)
    if rows and asked.output:
        answers.write(asked.output, rows)
    elif rows:
        console.say(answers.table(rows, predictor.about))
    if len(found) > 1 and rows:
        sys.stderr.write(f"{answers.summary(rows)}\n")
    if failed:
        count = f"{failed} of {len(found)}" if len(found) > 1 else "the file"
        console.fail(f"{count} could not be predicted")


def _parser(bundle: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        COMMAND if bundle == BUNDLE.folder else f"python {Path(sys.argv[0]).name}",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="an image or DICOM file, a folder, an archive, or - for a list on stdin",
    )
    parser.add_argument(
        "--model",
        default=str(bundle),
        metavar="BUNDLE",
        help="a folder or .zip (%(default)s), or in MLflow: the id of a run, models:/NAME@current or models:/NAME/1",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write all columns to a .csv or .json file instead")
    parser.add_argument("--explain", type=Path, metavar="DIR", help="write a heat map over each image into a folder")
    parser.add_argument("--class", dest="label", metavar="NAME", help="explain this class (default: the predicted one)")
    return parser


def _rows(
    predictor: Predictor, found: list[Source | Unreadable], asked: argparse.Namespace
) -> tuple[list[answers.Row], int]:
    """Predict all, and return the rows of the table and the number of files that could not be predicted."""
    rows: list[answers.Row] = []
    failed = 0
    results: Iterable[Prediction | Unreadable] = predictor.predict_all(found)
    if len(found) > 1:
        results = track(results, len(found), "predict", "file")
    for result in results:
        if isinstance(result, Unreadable):
            failed += 1
            sys.stderr.write(terminal(f"{result.name}: {result.reason}") + "\n")
            continue
        explained = _explained(predictor, result, asked, len(rows)) if asked.explain else None
        rows.append(answers.row(result, explained))
    return rows, failed


def _explained(predictor: Predictor, found: Prediction, asked: argparse.Namespace, number: int) -> str:
    """Write the heat map of an image, and return its path."""
    from PIL import Image

    name = UNSAFE.sub("_", found.name).strip("._") or "image"
    path = Path(asked.explain, f"{number:04}_{name[-100:]}.png")
    with replacing(path) as temporary:
        Image.fromarray(predictor.explain(found, asked.label)).save(temporary, format="PNG")
    return path.as_posix()


def find(asked: Iterable[str], held: ExitStack, max_gb: float = MAX_UNPACKED_GB) -> list[Source | Unreadable]:
    """Return the images that the arguments name, in their order; what cannot be searched becomes `Unreadable`.

    held: keeps the folders of unpacked archives until it is closed. max_gb: largest size of an archive, unpacked.
    """
    lists = (filter(None, sys.stdin.read().splitlines()) if name == STDIN else [name] for name in asked)
    return [found for argument in chain.from_iterable(lists) for found in _found(argument, held, max_gb)]


def locate(name: str, held: ExitStack) -> Path:
    """Return the bundle that `--model` names; held: keeps a bundle from an MLflow server until it is closed.

    Raises:
        AssayError: MLflow is not installed, or holds no bundle of this name.
    """
    path = Path(name)
    if not TRACKED.fullmatch(name) or path.exists():
        return path
    try:
        from src.tracking import query
    except ImportError:  # in the application of a bundle
        raise AssayError(f"{name}: only the repository can find models in MLflow: python -m src.predict") from None
    return query.bundle(name, home(), Path(held.enter_context(TemporaryDirectory(prefix="predict-"))))


def _found(argument: str, held: ExitStack, max_gb: float) -> Iterator[Source | Unreadable]:
    path = Path(argument)
    try:
        if path.is_dir():
            yield from _searched(path, argument)
        elif path.name.lower().endswith(ARCHIVES):
            yield from _unpacked(path, argument, held, max_gb)
        else:
            yield Source(argument, path)
    except AssayError as error:
        yield Unreadable(argument, str(error).removeprefix(f"{argument}: "))
    except OSError as error:
        yield Unreadable(argument, f"cannot be read: {error.strerror}")


def _unpacked(path: Path, name: str, held: ExitStack, max_gb: float) -> Iterator[Source | Unreadable]:
    if not path.is_file():
        raise AssayError(f"{name}: file not found")
    folder = Path(held.enter_context(TemporaryDirectory(prefix="predict-"))) / "unpacked"
    for row in archive.unpack(path, folder, max_gb, name):
        if row.kind == "link":
            log.warning("%s: left out: %d: %s", name, row.files, row.reason)
    yield from _searched(folder, name)


def _searched(folder: Path, name: str) -> list[Source | Unreadable]:
    """List the images below a folder in order of their names, without hidden files and junk of operating systems.

    Raises:
        AssayError: there is no image.
    """
    name, others = name.rstrip("/"), 0
    found: list[Source | Unreadable] = []

    def refused(error: OSError) -> None:
        inner = Path(error.filename).relative_to(folder).as_posix()
        found.append(Unreadable(f"{name}/{inner}".removesuffix("/."), f"cannot be read: {error.strerror}"))

    for root, folders, names in os.walk(folder, onerror=refused):
        folders.sort()
        for path in (Path(root, each) for each in sorted(names)):
            inner = path.relative_to(folder).as_posix()
            if file_types.is_junk(inner):
                continue
            try:
                if file_types.is_image(inner, path):
                    found.append(Source(f"{name}/{inner}", path))
                else:
                    others += 1
            except OSError as error:
                refused(error)
    if not found:
        counted = f"{others} other file{'s' * (others > 1)}" if others else "an empty folder"
        raise AssayError(f"{name}: expected images, found {counted}")
    if others:
        log.info("%s: %d files do not look like images and are left out", name, others)
    return found


if __name__ == "__main__":
    console.run(main)
