"""Run git in a folder, if git is installed."""

import os
import subprocess
from pathlib import Path

SECONDS = 20


def git(root: Path, *arguments: str) -> str | None:
    """Return what a git command prints; None if it fails or git is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            check=True,
            timeout=SECONDS,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", errors="replace")
