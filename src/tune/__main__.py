"""`python -m src.tune --trials 50`: looks for better values of what tune.space in params.yaml names."""

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from src.core import console
from src.tune.request import EXPECTED, STUDIES, Request, check_name, check_url

if TYPE_CHECKING:  # each worker loads this module as well, and what it loads
    from src.config import Params
    from src.tune.protocol import Executor

Number = TypeVar("Number", int, float)
EPILOG = """\
what is varied, and by which score on val the trials are compared, stands under `tune` in params.yaml. The test part is
never looked at. Ctrl-C stops at the next epoch; the same command goes on from there, also after a crash.

examples:
  python -m src.tune                                search, then confirm the best over several seeds
  python -m src.tune --trials 80 --timeout 30       30 more trials, or what is done of them in half an hour
  python -m src.tune --trials 50 --apply            as the first line, then write the winner into params.yaml
  python -m src.tune --sweep train.batch_size model.dropout     one at a time around params.yaml, the rest as it is
  python -m src.tune --trials 50 --preset blood_fire --study fire
"""


def main() -> None:
    """Check what was asked for, and carry it out."""
    asked = _parser().parse_args()
    if asked.study is not None:
        check_name(asked.study)
    if asked.storage is not None:
        check_url(asked.storage)
    if asked.winner is not None:
        from src.tune import winner

        console.say(winner.from_file(asked.winner, write=asked.apply, again="make tune APPLY=1"))
        return
    settings = _settings(asked.preset)
    name = asked.study or re.sub(r"[^\w .-]", "-", settings.track.experiment) + (" sweep" if asked.sweep else "")
    check_name(name)
    from src.tune.stage import run

    request = Request(
        asked.trials or settings.tune.trials, name, asked.timeout, asked.storage, asked.confirm, asked.apply
    )
    if asked.sweep:
        from src.tune import sweep

        settings = sweep.narrowed(settings, asked.sweep)
        points = sweep.points(settings)
        request = replace(request, trials=len(points), confirm=False, points=points)
    run(request, settings, _executor(asked, settings, name))


def _settings(preset: str | None) -> "Params":
    """Read and check params.yaml, after a preset was put in its place unless it stands there already."""
    from src import config, presets
    from src.core import paths
    from src.tune import apply, space

    if preset is not None and not apply.applied(paths.PARAMS, presets.read(preset).params):
        presets.put(preset)
    settings = config.load()
    space.something_to_vary(settings)
    return settings


def _executor(asked: argparse.Namespace, settings: "Params", name: str) -> "Executor":
    if asked.dask is not None:
        from src.tune.executors.dask.executor import ClusterExecutor

        return ClusterExecutor(asked.dask, Path.cwd())
    from src.tune.executors.local import LocalExecutor, cores

    workers = asked.workers or cores()
    threads = settings.train.threads if workers == 1 else max(1, cores() // workers)
    return LocalExecutor(workers, threads, STUDIES / name, Path.cwd())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m src.tune",
        description="Search for better values of parameters, confirm the best ones over several seeds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--trials", type=_whole, metavar="N", help="finished trials that the study shall hold in all, else tune.trials"
    )
    parser.add_argument(
        "--workers", type=_whole, metavar="K", help="trainings at once, else one a core; only 1 repeats exactly"
    )
    parser.add_argument("--study", metavar="NAME", help="else track.experiment; one study asks one question")
    parser.add_argument("--timeout", type=_positive, metavar="MIN", help="stop searching after so many minutes")
    parser.add_argument("--storage", metavar="URL", help=f"a database for the study: {EXPECTED}")
    parser.add_argument("--dask", metavar="ADDRESS", help="train on a Dask cluster, as tcp://host:8786")
    parser.add_argument(
        "--preset", metavar="NAME", help="first put a preset in place of params.yaml, if it is not there"
    )
    parser.add_argument(
        "--sweep", nargs="+", metavar="KEY", help="vary these of tune.space one at a time around params.yaml instead"
    )
    parser.add_argument("--apply", action="store_true", help="write the winner into params.yaml and show what changed")
    parser.add_argument(
        "--winner",
        type=Path,
        metavar="FILE",
        help="search nothing: tell the winner that best.yaml names, or --apply it",
    )
    parser.add_argument("--no-confirm", dest="confirm", action="store_false", help="search only")
    return parser


def _whole(text: str) -> int:
    return _number(text, int, "a whole number of at least 1", 1)


def _positive(text: str) -> float:
    return _number(text, float, "a number above 0", 1e-9)


def _number(text: str, kind: type[Number], expected: str, least: float) -> Number:
    try:
        number = kind(text)
    except ValueError:
        number = kind(0)
    if not least <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}")
    return number


if __name__ == "__main__":
    console.run(main)
