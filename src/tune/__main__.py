"""`python -m src.tune --trials 50`: looks for better values of what tune.space in params.yaml names."""

import argparse
import re
from contextlib import closing
from pathlib import Path
from typing import Any

from src.core import console, paths
from src.executors.workers import Workers, add_options, count

# What else is imported is imported later: each worker loads this module as well, and what it loads.
NAME = re.compile(r"\w[\w .-]*")
EPILOG = """\
what is varied, and by which score on val the trials are compared, stands under `tune` in params.yaml. The test part is
never looked at. Ctrl-C stops at the next epoch; the same command goes on from there, also after a crash.

examples:
  python -m src.tune                                search, then confirm the best over several seeds
  python -m src.tune --trials 80 --timeout 30       30 more trials, or what is done of them in half an hour
  python -m src.tune --trials 50 --apply            as the first line, then write the winner into params.yaml
  python -m src.tune --sweep train.batch_size model.dropout     one at a time around params.yaml, the rest as it is
"""


def main() -> None:
    """Check what was asked for, and carry it out."""
    asked = _parser().parse_args()
    from src import config
    from src.tune import space, winner

    if asked.winner is not None:
        console.say(winner.from_file(asked.winner, write=asked.apply))
        return
    params = config.load()
    space.checked(params)
    named = re.sub(r"[^\w .-]", "-", params.track.experiment).lstrip(" .-") or "study"
    name, points = asked.study or named + (" sweep" if asked.sweep else ""), list[Any]()
    if asked.sweep:
        params, points = space.narrowed(params, asked.sweep)
    from src.tune.stage import Session

    workers = Workers.asked(asked, params.train.threads)
    with closing(workers.start(paths.STUDIES / name, Path.cwd())) as executor:
        trials, confirm = len(points) or asked.trials or params.tune.trials, asked.confirm and not asked.sweep
        Session(
            params=params, executor=executor, name=name, trials=trials,
            minutes=asked.timeout, confirm=confirm, apply=asked.apply, points=points,
        ).run()  # fmt: skip


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
    add("--study", type=_name, metavar="NAME", help="else track.experiment; one study asks one question")
    add("--timeout", type=count, metavar="MIN", help="stop searching after so many minutes")
    add("--sweep", nargs="+", metavar="KEY", help="vary these of tune.space one at a time around params.yaml instead")
    add("--apply", action="store_true", help="write the winner into params.yaml and show what changed")
    add("--winner", type=Path, metavar="FILE", help="search nothing: tell the winner of a best.yaml, or --apply it")
    add("--no-confirm", dest="confirm", action="store_false", help="search only")
    return parser


def _name(text: str) -> str:
    """Refuse a name that could not be a folder's."""
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected letters, digits, spaces, '_', '-' and '.', found {text!r}")
    return text


if __name__ == "__main__":
    console.run(main)
