"""What a result was made with and on: commit, packages, machine."""

import getpass
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from src.core import nested, redact, yaml_file
from src.core.errors import AssayError
from src.core.git_command import git
from src.core.paths import PARAMS

DIFF = ("--no-color", "--no-ext-diff", "--relative")
TAKEN_OUT = "# Users, passwords and queries of URLs were taken out of this diff.\n"  # git apply ignores such a line
ABSENT = object()
ASIDE = ("track.", "repeat.", "tune.")  # sections that change no result
# Written by the pipeline itself while it runs: no change by a person. No result depends on DVC's configuration, which
# may hold the credentials of a remote.
OUTPUTS = (":(exclude)dvc.lock", ":(exclude).dvc/config")


@dataclass(frozen=True)
class Commit:
    """Where the code stands: commit is empty without a repository or before its first commit; diff is text.

    changes: values of params.yaml that are not committed, by dotted key, but for those about tracking and a search.
    """

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    diff: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)


def commit(root: Path = Path()) -> Commit:
    """Read the state of the git repository around a folder; only what `git diff` shows is kept, no other file."""
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


def environment() -> str:
    """Describe host, interpreter, platform and packages as requirements: for MLflow, never for an output of DVC."""
    found = {(item.name or "").lower(): item.version for item in metadata.distributions()}
    lines = [
        f"# host {platform.node()}, {os.cpu_count()} cores",
        f"# {platform.platform()}",
        f"# python {platform.python_version()}",
        *(f"{name}=={version}" for name, version in sorted(found.items()) if name),
    ]
    return "\n".join([*lines, ""])


def user() -> str:
    """Name who runs this."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number without a name
        return "unknown"


def _changes(root: Path) -> dict[str, str]:
    """Return the values of params.yaml that differ from those of the commit, as text by dotted key."""
    before, now = git(root, "show", f"HEAD:./{PARAMS}"), root / PARAMS
    if before is None or not now.is_file():
        return {}
    try:
        committed = dict(nested.flat(yaml_file.parsed(before, f"HEAD:{PARAMS}") or {}))
        found = nested.flat(yaml_file.read(now) or {})
    except (AssayError, AttributeError):  # of an old commit: its file is none that is read today
        return {}
    return {
        key: redact.secrets(str(value))
        for key, value in found
        if not key.startswith(ASIDE) and committed.get(key, ABSENT) != value
    }
