"""Ask a network about images: class, calibrated probability, and whether the image is like those it was trained on."""

import argparse
import re
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from src.core import console
from src.core.errors import AssayError
from src.core.files import replacing
from src.core.paths import BUNDLE
from src.core.progress import track
from src.core.redact import terminal
from src.export import load
from src.export.predictor import Prediction, Predictor, Source, Unreadable
from src.predict import answers, sources

COMMAND = "python -m src.predict"
EXAMPLES = """\
examples:
  python -m src.predict scan.png                               one image
  python -m src.predict ward/ slices.zip --output answers.csv  folders and archives, as a table in a file
  python -m src.predict scan.dcm --explain maps/               and where the network looked
"""
UNSAFE = re.compile(r"[^\w.-]+")  # of a name that becomes a file's


def main(bundle: Path = BUNDLE.folder) -> None:
    """Predict what the command line names; exit code 1 where a file could not be read.

    bundle: the folder of the one that is asked where the command line names none.
    """
    asked = _parser(bundle).parse_args()
    if asked.output and asked.output.suffix.lower() not in answers.KINDS:
        expected = f"expected a name that ends with {' or '.join(answers.KINDS)}"
        raise AssayError(f"--output: {expected}, found {asked.output.name!r}")
    with ExitStack() as held:
        predictor = load(sources.bundle(asked.model, held))
        if asked.label and asked.label not in predictor.about.classes:
            known = ", ".join(predictor.about.classes)
            raise AssayError(f"--class: expected one of {known}, found {asked.label!r}")
        found = sources.find(asked.paths, held)
        rows, failed = _rows(predictor, found, asked)
    if rows and asked.output:
        answers.write(asked.output, rows)
    elif rows:
        console.say(answers.table(rows, predictor.about))
    if len(found) > 1 and rows:
        sys.stderr.write(f"{answers.summary(rows)}\n")
    if failed:
        count = f"{failed} of {len(found)}" if len(found) > 1 else "the one"
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
        help="a folder or .zip (%(default)s); in MLflow the id of a run, models:/NAME@current or models:/NAME/1",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write all columns to a .csv or .json instead")
    parser.add_argument("--explain", type=Path, metavar="DIR", help="write a heat map over each image into a folder")
    parser.add_argument("--class", dest="label", metavar="NAME", help="explain this class, else the predicted one")
    return parser


def _rows(
    predictor: Predictor, found: list[Source | Unreadable], asked: argparse.Namespace
) -> tuple[list[answers.Row], int]:
    """Predict all, and return the rows of the table and the number of files without an answer."""
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
    """Write the heat map of an image, and return its file."""
    from PIL import Image

    name = UNSAFE.sub("_", found.name).strip("._") or "image"
    path = Path(asked.explain, f"{number:04}_{name[-100:]}.png")
    with replacing(path) as temporary:
        Image.fromarray(predictor.explain(found, asked.label)).save(temporary, format="PNG")
    return path.as_posix()


if __name__ == "__main__":
    console.run(main)
