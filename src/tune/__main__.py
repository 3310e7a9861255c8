"""`python -m src.tune --trials 50`: looks for better values of what tune.space in params.yaml names."""

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core import console, paths
from src.executors.workers import add_options, cores, count, start
from src.tune.request import EXPECTED, Request, check_name, check_url

if TYPE_CHECKING:  # each worker loads this module as well, and what it loads
    from src.config import Params

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
    workers = asked.workers or cores()
    run(request, settings, start(workers, settings.train.threads, paths.STUDIES / name, Path.cwd(), asked.dask))


def _settings(preset: str | None) -> "Params":
    """Read and check params.yaml, after a preset was put in its place unless it stands there already."""
    from src import config, presets
    from src.tune import apply, space

    if preset is not None and not apply.applied(paths.PARAMS, presets.read(preset).params):
        presets.put(preset)
    settings = config.load()
    space.something_to_vary(settings)
    return settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m src.tune",
        description="Search for better values of parameters, confirm the best ones over several seeds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add: Any = parser.add_argument
    add("--trials", type=count, metavar="N", help="finished trials that the study shall hold in all, else tune.trials")
    add_options(parser, workers="trainings at once, else one a core; only 1 repeats exactly")
    add("--study", metavar="NAME", help="else track.experiment; one study asks one question")
    add("--timeout", type=_minutes, metavar="MIN", help="stop searching after so many minutes")
    add("--storage", metavar="URL", help=f"a database for the study: {EXPECTED}")
    add("--preset", metavar="NAME", help="first put a preset in place of params.yaml, if it is not there")
    add("--sweep", nargs="+", metavar="KEY", help="vary these of tune.space one at a time around params.yaml instead")
    add("--apply", action="store_true", help="write the winner into params.yaml and show what changed")
    add(
        "--winner",
        type=Path,
        metavar="FILE",
        help="search nothing: tell the winner of a best.yaml, or --apply it",
    )
    add("--no-confirm", dest="confirm", action="store_false", help="search only")
    return parser


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
    return minutes


if __name__ == "__main__":
    console.run(main)
