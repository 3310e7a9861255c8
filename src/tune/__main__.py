"""`python -m src.tune --trials 50`: search for better values of the parameters that tune.space in params.yaml names."""

import argparse
import re
from contextlib import closing
from pathlib import Path
from typing import Any

from src.core import console, paths
from src.executors.workers import Workers, add_options, count

# Other modules are imported later, so that --help and the check of the options do not wait for them.
NAME = re.compile(r"\w[\w .-]*")
EPILOG = """\
`tune` in params.yaml lists the parameters to vary, and the score on val by which trials are compared. The test part is
never used. Ctrl-C stops at the next epoch; run the same command to continue, also after a crash.

examples:
  python -m src.tune                                search, then confirm the best over several seeds
  python -m src.tune --trials 80 --timeout 30       up to 80 trials in all, stopping after 30 minutes
  python -m src.tune --trials 50 --apply            search, confirm, and write the winner into params.yaml
  python -m src.tune --sweep train.batch_size model.dropout     vary one at a time, the rest as in params.yaml
"""


def main() -> None:
    """Check the options and run the command."""
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
        description="Search for better values of parameters, and confirm the best ones over several seeds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add: Any = parser.add_argument
    add("--trials", type=count, metavar="N", help="finished trials of the study in all (default: tune.trials)")
    add_options(parser, workers="trainings at once (default: one per core); only 1 is reproducible")
    add(
        "--study",
        type=_name,
        metavar="NAME",
        help="name of the study (default: track.experiment); use a new name for another question",
    )
    add("--timeout", type=count, metavar="MIN", help="stop the search after this many minutes")
    add("--sweep", nargs="+", metavar="KEY", help="vary only these of tune.space, one at a time around params.yaml")
    add("--apply", action="store_true", help="write the winner into params.yaml and show what changed")
    add("--winner", type=Path, metavar="FILE", help="no search: print the winner in a best.yaml, or --apply it")
    add("--no-confirm", dest="confirm", action="store_false", help="search only")
    return parser


def _name(text: str) -> str:
    """Refuse a name that cannot be the name of a folder."""
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected letters, digits, spaces, '_', '-' and '.', found {text!r}")
    return text


if __name__ == "__main__":
    console.run(main)
