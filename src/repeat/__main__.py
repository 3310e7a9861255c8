"""`python -m src.repeat --folds 5`: cross-validation over patients, as `repeat` in params.yaml says."""

import argparse
import re
from pathlib import Path
from typing import Any

from src.core import console
from src.core.errors import AssayError
from src.executors.protocol import Executor
from src.executors.workers import add_options, count, start, threads_each

EPILOG = """\
every image is answered for by models that did not learn from its patient. The test part is never looked at, but with
--over all. Ctrl-C ends it; the same command goes on from there, also after a crash.

examples:
  python -m src.repeat                              as params.yaml says under repeat
  python -m src.repeat --folds 5 --seeds 3          15 trainings of the network in params.yaml
  python -m src.repeat --model probe                a logistic regression on frozen features, in seconds
  python -m src.repeat --model probe --swap 0.05    how many of 5 % swapped labels are found again
  python -m src.repeat --refit 3                    no inner val part; the ensemble is 3 networks of all images
  python -m src.repeat --test                       score the ensemble on the test part, and export it
"""


def main() -> None:
    """Check what was asked for, and carry it out."""
    asked = _parser().parse_args()
    from src import config

    params = config.load()
    if asked.test:
        from src.repeat import on_test

        on_test.run(params)
        return
    chosen = {name: value for name in config.Repeat.model_fields if (value := getattr(asked, name)) is not None}
    content = params.model_dump(mode="json")
    workers = asked.workers or 1
    threads = threads_each(workers, params.train.threads)
    content |= {"repeat": content["repeat"] | chosen, "train": content["train"] | {"threads": threads}}
    params = config.parse(content, "python -m src.repeat")
    if asked.refit and (params.repeat.model == "probe" or params.train.schedule.name == "plateau" or asked.swap):
        raise AssayError(
            "--refit: expected repeat.model: network, a schedule other than plateau (nothing is left to see one on), "
            "and no --swap"
        )
    from src.repeat import stage

    def started(store: Path, data: Path) -> Executor:
        return start(workers, threads, store, data, asked.dask)

    if asked.swap is not None:
        stage.measure_swapped(params, started, asked.swap)
    else:
        stage.run(params, started, refit=asked.refit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m src.repeat",
        description="Cross-validation: train and score on every fold of the images, over several seeds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add: Any = parser.add_argument
    add("--folds", type=int, metavar="N", help="else repeat.folds")
    add("--seeds", type=int, metavar="N", help="trainings of each fold, else repeat.seeds")
    add("--over", choices=("train-val", "all"), help="else repeat.over; all looks at the test part too")
    add("--model", choices=("network", "probe"), help="else repeat.model")
    add_options(parser, workers="trainings at once, else 1; another number gives other weights")
    add("--swap", type=_share, metavar="SHARE", help="give so many labels another class, and tell how many are found")
    add(
        "--refit",
        type=count,
        default=0,
        metavar="N",
        help="N networks of all images, with all epochs, as the ensemble",
    )
    add("--test", action="store_true", help="train nothing: the ensemble on the test part, and its bundle")
    return parser


def _share(text: str) -> float:
    share = float(text) if re.fullmatch(r"0?\.\d+", text) else 0.0
    if not share:
        raise argparse.ArgumentTypeError(f"expected a share between 0 and 1, found {text!r}")
    return share


if __name__ == "__main__":
    console.run(main)
