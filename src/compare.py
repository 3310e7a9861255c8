"""`python -m src.compare`: the tracked runs as a table, for the screen or a document."""

import argparse
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence

from tabulate import tabulate

from src.core import console, paths
from src.core.files import markdown_table
from src.core.partition import PARTS
from src.tracking.query import NOTHING, Run, detailed, newest, read, score

METRICS = ("auc", "f1", "accuracy")
SHORT_COMMIT = 7
SHORT_ID = 8
COVERED = ("dataset.source", "split.", "seed", "model.name", "track.")  # have their own columns, or change no result
NOTE = (
    "n and groups (patients, or copies of one source): in all, and of them in train/val/test. Val AUC: of the best "
    "epoch. AUC and what follows: of the test part, in brackets the interval over resampled groups. Probe AUC: what a "
    "linear probe on frozen features of EfficientNet-Lite0 reaches. Shortcut AUC: what facts of the files alone reach. "
    "Commit: a + where there were uncommitted changes."
)
ABBREVIATIONS = {"auc": "AUC", "f1": "F1"}
Row = Mapping[str, str]


def main() -> None:
    """Print the table."""
    asked = _parser().parse_args()
    everything = read(paths.home())
    chosen = choose(everything, asked)
    if not chosen:
        sys.stderr.write(f"{_nothing(everything)}\n")
        return
    chosen = detailed(sorted(chosen, key=_order), paths.home())
    params = [*asked.params, *(key for key in differing(chosen) if key not in asked.params)]
    rows = [row(run, asked.metrics, params, document=asked.markdown) for run in chosen]
    if asked.markdown:
        command = " ".join(["python -m src.compare", *map(shlex.quote, sys.argv[1:])])
        console.say(f"{markdown_table(rows)}\n\n{NOTE}\nWritten by `{command}`.")
    else:
        console.say(plain(rows, shutil.get_terminal_size((200, 24)).columns))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m src.compare",
        description="Print tracked runs as a table, with a column for each parameter that differs between them: the "
        "newest run of each fingerprint (same code, data and parameters).",
        epilog="An option with several values selects runs with any of them; --tag selects runs with all of them.",
    )
    parser.add_argument("--experiment", nargs="+", metavar="NAME", help="only runs of these experiments")
    parser.add_argument("--data", nargs="+", metavar="NAME", help="only runs on these data sets, such as covid_ct.zip")
    parser.add_argument("--run", nargs="+", metavar="ID", help="only these runs; the beginning of an id is enough")
    parser.add_argument("--tag", nargs="+", default=[], type=_pair, metavar="KEY=VALUE", help="a tag or parameter")
    parser.add_argument("--params", nargs="+", default=[], metavar="NAME", help="more columns, e.g. train.epochs")
    parser.add_argument(
        "--metrics", nargs="+", default=METRICS, metavar="NAME", help="test scores (default: auc f1 accuracy)"
    )
    parser.add_argument("--markdown", action="store_true", help="as Markdown, with a note, for a document")
    return parser


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, found {text!r}")
    return key, value


def choose(everything: Sequence[Run], asked: argparse.Namespace) -> list[Run]:
    """Select the runs that were asked for, the newest of each fingerprint."""
    tests: list[Callable[[Run], bool]] = [
        lambda run: not asked.experiment or run.experiment in asked.experiment,
        lambda run: not asked.data or run.tags.get("data.name") in asked.data,
        lambda run: not asked.run or run.identity.startswith(tuple(asked.run)),
        lambda run: all(run.tags.get(key, run.params.get(key)) == value for key, value in asked.tag),
    ]
    return newest([run for run in everything if all(test(run) for test in tests)])


def differing(runs: Sequence[Run]) -> list[str]:
    """Name the parameters that differ between runs and have no column of their own."""
    keys = dict.fromkeys(key for run in runs for key in run.params if not key.startswith(COVERED))
    return [key for key in keys if len({run.params.get(key) for run in runs}) > 1]


def row(run: Run, metrics: Sequence[str] = METRICS, params: Sequence[str] = (), document: bool = False) -> Row:
    """Return a run as a row of the table: column names and texts; rows for a document have no run name and id."""
    tags, values = run.tags, run.metrics
    return {
        **({} if document else {"run": run.name, "id": run.identity[:SHORT_ID]}),
        "experiment": run.experiment,
        "data": tags.get("data.name", NOTHING),
        "n": _parts(run, "images"),
        "groups": _parts(run, "groups"),
        "split": tags.get("data.split", NOTHING),
        "seed": run.params.get("seed", NOTHING),
        "model": run.params.get("model.name", NOTHING),
        "parameters": f"{values['parameters']:,.0f}" if "parameters" in values else NOTHING,
        **{name: run.params.get(name, NOTHING) for name in params},
        "val AUC": score(values, "val_auc"),
        **{_title(name): score(values, f"test_{name}") for name in metrics},
        "probe AUC": score(values, "probe_auc"),
        "shortcut AUC": score(values, _shortcut(run)),
        "time": _duration(values.get("train_seconds")),
        "commit": _commit(tags),
    }


def plain(rows: Sequence[Row], width: int) -> str:
    """Format rows as a table; if it is wider than the screen, columns with a single value move above the table."""
    names, above = list(rows[0]), ""
    if len(rows) > 1 and len(_columns(rows, names).splitlines()[0]) > width:
        same = [name for name in names if len({row[name] for row in rows}) == 1]
        above = "".join(f"{name}: {rows[0][name]}\n" for name in same) + ("\n" if same else "")
        names = [name for name in names if name not in same] or names[:1]
    return above + _columns(rows, names)


def _columns(rows: Sequence[Row], names: Sequence[str]) -> str:
    return str(
        tabulate([[row[name] for name in names] for row in rows], names, tablefmt="plain", disable_numparse=True)
    )


def _shortcut(run: Run) -> str:
    """Return the name of the shortcut score, that on the same test part as the scores if there is one."""
    official = run.params.get("split.folds") == "respect" and "shortcut_auc_official" in run.metrics
    return "shortcut_auc_official" if official else "shortcut_auc"


def _parts(run: Run, what: str) -> str:
    counts = [run.counts.get(f"{part}.{what}", 0) for part in PARTS]
    return f"{sum(counts)} ({'/'.join(map(str, counts))})" if any(counts) else NOTHING


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _commit(tags: Mapping[str, str]) -> str:
    commit = tags.get("mlflow.source.git.commit", "")[:SHORT_COMMIT]
    return (commit + "+" * (tags.get("git.dirty") == "true")) or NOTHING


def _title(metric: str) -> str:
    return ABBREVIATIONS.get(metric, metric.replace("_", " "))


def _order(run: Run) -> tuple[str, ...]:
    found = {**run.tags, **run.params}
    keys = ("data.name", "data.split", "model.name", "seed", "fingerprint")
    return (run.experiment, *(found.get(key, "") for key in keys))


def _nothing(everything: Sequence[Run]) -> str:
    if not everything:
        return "no runs yet: `dvc repro` trains and tracks one"
    known = ", ".join(sorted({run.experiment for run in everything}))
    return f"none of {len(everything)} run(s) match; experiments: {known}"


if __name__ == "__main__":
    console.run(main)
