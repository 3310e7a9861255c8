"""The name, description, tags and parameters of a run in MLflow: what people read first, and what links it to DVC.

Tags that begin with `mlflow.` are MLflow's own: its pages show them as source, user and description, not as tags.
The tag `git.dirty` is "true" where the working tree had uncommitted changes (`read_commit`).
"""

import getpass
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from src import config
from src.config import Params, source_name, source_title
from src.core import dvc_state, nested, paths, redact, yaml_file
from src.core.errors import AssayError
from src.core.files import read_csv
from src.core.git_command import git
from src.core.partition import PARTS
from src.core.paths import PARAMS
from src.tracking.fingerprint import Fingerprint
from src.tracking.record import LoggedDataset, text

SHORT = 8  # characters of a fingerprint in the name of a run
CHANGES = 3  # at most in the name of a run
EXPERIMENT = "DVC_EXP_NAME"  # set by `dvc exp run` for the stages
DIFF = ("--no-color", "--no-ext-diff", "--relative")
TAKEN_OUT = "# Users, passwords and queries of URLs were removed from this diff.\n"  # git apply ignores such a line
ABSENT = object()
ASIDE = ("track.", "repeat.", "tune.")  # sections that change no result
# Not changes by a person: the running pipeline itself writes dvc.lock. No result depends on DVC's configuration, which
# may hold the credentials of a remote.
OUTPUTS = (":(exclude)dvc.lock", ":(exclude).dvc/config")


@dataclass(frozen=True)
class Commit:
    """The state of the code: `commit` is empty without a repository or before its first commit; `diff` is text.

    changes: uncommitted values of params.yaml by dotted key, except the sections track, repeat and tune.
    """

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    diff: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)


def read_commit(root: Path = Path()) -> Commit:
    """Read the state of the git repository around a folder; only the output of `git diff` is kept, no other file."""
    if (head := git(root, "rev-parse", "HEAD")) is None:
        return Commit()
    changed = git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *OUTPUTS)
    untracked = git(root, "status", "--porcelain", "--", "src", "stages")
    diff = git(root, "diff", *DIFF, "HEAD", "--", ".", *OUTPUTS) or ""
    clean = redact.secrets(diff)
    return Commit(
        commit=head.strip(),
        branch=(git(root, "rev-parse", "--abbrev-ref", "HEAD") or "").strip(),
        dirty=bool(changed or untracked),
        changes=_changes(root),
        diff=diff if clean == diff else TAKEN_OUT + clean,
    )


def _changes(root: Path) -> dict[str, str]:
    """Return the values of params.yaml that differ from those of the commit, as text by dotted key."""
    before, now = git(root, "show", f"HEAD:./{PARAMS}"), root / PARAMS
    if before is None or not now.is_file():
        return {}
    try:
        committed = dict(nested.flat(yaml_file.parsed(before, f"HEAD:{PARAMS}") or {}))
        found = nested.flat(yaml_file.read(now) or {})
    except (AssayError, AttributeError):  # an old commit, whose file cannot be read today
        return {}
    return {
        key: redact.secrets(str(value))
        for key, value in found
        if not key.startswith(ASIDE) and committed.get(key, ABSENT) != value
    }


def run_name(settings: Params, fingerprint: Fingerprint, commit: Commit) -> str:
    """Return the name of a training's run: DVC experiment, changes since the commit, model, data, fingerprint.

    For example "gaudy-cat epochs=5 compact_cnn covid_ct dd234c18": what differs comes first, as tables of runs cut off
    the end. If the commit is about other data, the changes say nothing and are left out.
    """
    changes = {} if "dataset.source" in commit.changes else commit.changes
    changed = [f"{key.rpartition('.')[2]}={value}" for key, value in changes.items() if key != "model.name"]
    changed, more = changed[:CHANGES], [f"+{len(changed) - CHANGES}"] if len(changed) > CHANGES else []
    what = [settings.model.name, source_name(settings.dataset.source), fingerprint.sha256[:SHORT]]
    return " ".join(filter(None, [os.environ.get(EXPERIMENT, ""), *changed, *more, *what]))


def values(settings: Params, *, tune: bool = False) -> dict[str, str]:
    """Return the values of params.yaml as text, by dotted name; those of the section tune only if asked for."""
    content = settings.model_dump(mode="json", exclude={"track": {"register"}})  # a name changes no result
    for section in ("repeat",) if tune else ("repeat", "tune"):
        del content[section]
    return {key: text(value) for key, value in nested.flat(content)}


def origin(kind: str, entry: str, commit: Commit, settings: Params) -> dict[str, str]:
    """Return the tags about where a run comes from: its origin, data, entry point, commit and user."""
    tags = {
        "origin": kind,
        "data.name": source_name(settings.dataset.source),
        "data.split": split_name(settings.split),
        "mlflow.user": user(),
        "mlflow.source.name": entry,
        "mlflow.source.type": "LOCAL",
    }
    if commit.commit:
        tags |= {"mlflow.source.git.commit": commit.commit, "mlflow.source.git.branch": commit.branch}
        tags["git.dirty"] = str(commit.dirty).lower()
    if experiment := os.environ.get(EXPERIMENT):
        tags["dvc.experiment"] = experiment
    return tags


def note(lines: Sequence[str], commit: Commit, again: str = "dvc repro") -> dict[str, str]:
    """Return the description of a run: what it is, its result, what was changed, and how to reproduce it."""
    changed = ", ".join(f"{key}: {value}" for key, value in commit.changes.items())
    told = [*lines, *([f"Changed in params.yaml since the commit: {changed}"] if changed else [])]
    steps = [f"git checkout {commit.commit}"] if commit.commit else []
    steps += ["git apply git.diff  # an artifact of this run"] if commit.diff else []
    what = "\n\n".join([*told, "To reproduce it:"])
    return {"mlflow.note.content": what + "\n```\n" + "\n".join([*steps, again]) + "\n```"}


def texts(commit: Commit) -> dict[str, str]:
    """Return the texts that a run keeps: its environment and the uncommitted changes."""
    kept = {"environment.txt": environment()}
    return kept | ({"git.diff": commit.diff} if commit.diff else {})


def environment() -> str:
    """Return host, platform, Python and packages as a requirements file: for MLflow, never for an output of DVC."""
    # From the names of the packages' folders: reading their metadata would take a third of a second.
    packages: set[str] = set()
    for folder in sys.path:
        with suppress(OSError):  # a folder that this user may not search
            packages |= {item.stem.lower() for item in Path(folder).glob("*.*-info")}
    lines = [
        f"# host {platform.node()}, {os.cpu_count()} cores",
        f"# {platform.platform()}",
        f"# python {platform.python_version()}",
        *(re.sub(r"-(?=\d)", "==", name, count=1).replace("_", "-") for name in sorted(packages)),
    ]
    return "\n".join([*lines, ""])


def user() -> str:
    """Return the name of the current user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a user id without a name
        return "unknown"


def dataset(fingerprint: Fingerprint, settings: Params) -> LoggedDataset:
    """Describe the data set by name, hash of the prepared pixels, and counts of images and groups.

    Keys of the profile: images, train.images, train.groups, val.images, ...; 0 groups if none is known.
    """
    rows = read_csv(paths.SPLIT.parts, ("part", "group"))
    profile = {"images": len(rows)}
    for part in PARTS:
        groups = [row["group"] for row in rows if row["part"] == part]
        profile |= {f"{part}.images": len(groups), f"{part}.groups": len(set(groups) - {""})}
    digest = fingerprint.data.get(paths.PREPARED.images.as_posix(), fingerprint.sha256)
    return LoggedDataset(source_name(settings.dataset.source), digest, settings.dataset.source, profile)


def summary(settings: Params, data: LoggedDataset) -> str:
    """Return a sentence that names the model and the data of a run."""
    images, groups = data.profile["images"], sum(data.profile[f"{part}.groups"] for part in PARTS)
    counted = f"{images} images" + (f" of {groups} groups" if groups else "")
    source, split = source_title(settings.dataset.source), split_name(settings.split)
    return f"**{settings.model.name}** on {source}: {counted}, split {split}."


def split_name(split: config.Split) -> str:
    """Describe in a few words how the parts were made.

    >>> split_name(config.Split(train=0.5, val=0.1, test=0.4, by="group", folds="ignore", leaks="warn"))
    '50/10/40 by group'
    >>> split_name(config.Split(train=0.5, val=0.1, test=0.4, by="group", folds="respect", leaks="warn"))
    "source's test part, by group"
    """
    ratios = "/".join(f"{100 * part:g}" for part in (split.train, split.val, split.test))
    return f"source's test part, by {split.by}" if split.folds == "respect" else f"{ratios} by {split.by}"


def model_hash() -> dict[str, str]:
    """Return the model's hash in dvc.lock as a tag, by which the run of a commit can be found."""
    outs = dvc_state.last_run("train").get("outs", [])
    return {f"dvc.{out['path']}": str(out.get("md5") or out.get("hash", "")) for out in outs}
