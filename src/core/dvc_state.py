"""The state that DVC keeps about a repository: make it private, and repair it if DVC was killed while writing.

DVC writes dvc.lock and its own lock file in place. A run killed at that moment leaves them empty or truncated, and
every later command fails. A copy of each complete file is therefore kept among DVC's temporary files.
"""

import itertools
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import psutil

from src.core import yaml_file
from src.core.errors import AssayError
from src.core.files import replacing, write_text
from src.core.git_command import git

log = logging.getLogger(__name__)
TEMPORARY = Path(".dvc/tmp")
LOCK = Path("dvc.lock")
WRITTEN = (LOCK, Path("tuning/dvc.lock"), Path("repeat/dvc.lock"), Path("data.dvc"))  # files that DVC writes in place
KEPT = TEMPORARY / "whole"
RWLOCK = TEMPORARY / "rwlock"  # which process reads or writes which output
SETTLING = 0.2  # seconds to wait: a DVC process that has just started may be writing its lock file
SITE_CACHE = Path(".dvc_site_cache")
LOCAL = Path(".dvc/config.local")
NAMES = {"dvc", "dvc.exe", "dvc_main.py"}
HELPERS = {"daemon", "queue-worker"}  # DVC processes that outlive its commands and lock nothing


def last_run(stage: str, home: Path = Path()) -> dict[str, Any]:
    """Return what dvc.lock records of a stage's last run, such as its params and outs; {} if there is none."""
    content = yaml_file.read(home / LOCK) if (home / LOCK).is_file() else None
    found: dict[str, Any] = (content or {}).get("stages", {}).get(stage, {})
    return found


def settle(home: Path) -> None:
    """Make DVC's caches private to this user, and let DVC work where there is no git, as in a downloaded archive.

    Raises:
        AssayError: this is not a DVC repository, another user owns its cache folder, or its configuration is invalid.
    """
    if not (home / ".dvc").is_dir():
        raise AssayError(".dvc: not found; run from the root of the repository")
    folder = home / SITE_CACHE
    try:
        (folder / "repo").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except PermissionError as error:
        raise AssayError(
            f"{folder}: expected a folder of this user, since DVC loads pickles from it; found another's. "
            "Work in a clone of your own"
        ) from error
    (home / TEMPORARY).mkdir(parents=True, exist_ok=True)
    git = any((parent / ".git").exists() for parent in (home, *home.parents))
    text = (home / LOCAL).read_text(encoding="utf-8") if (home / LOCAL).exists() else ""
    without = "no_scm = true" in text.lower()
    # DVC writes its configuration in ASCII. If the path is not ASCII, the relative folder in .dvc/config is used; it is
    # correct if DVC is called from the root of the repository, as all our commands do.
    private = str(folder).isascii() and f"site_cache_dir = {folder}\n" not in text
    if private or (not git and not without):
        _configure(home, folder if private else None, git)


def _configure(home: Path, folder: Path | None, git: bool) -> None:
    """Write .dvc/config.local. Absolute path, since DVC resolves a relative one against the working directory."""
    from dvc.config import Config, ConfigError

    try:
        with Config(str(home / ".dvc"), validate=False).edit("local", validate=False) as values:
            core = values.setdefault("core", {})
            if folder:
                core["site_cache_dir"] = str(folder)
            if not git and not core.get("no_scm"):
                core["no_scm"] = True
                log.info("dvc: no git repository here; core.no_scm is set in %s, and runs record no commit", LOCAL)
    except ConfigError as error:
        raise AssayError(f"{LOCAL} or .dvc/config: {error}") from error


def running(home: Path) -> list[tuple[int, str]]:
    """Return process id and command of each process that runs DVC in this repository."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if _is_dvc(words) and _repository(Path(process.cwd())) == home.resolve():
                found.append((process.pid, " ".join(Path(word).name for word in words)))
        except (psutil.Error, OSError):  # it has ended, is a zombie, or belongs to another user
            continue
    return found


def _is_dvc(words: list[str]) -> bool:
    if not words or HELPERS & set(words):
        return False
    first = Path(words[0]).name
    return first in NAMES or ("python" in first and bool(NAMES & {Path(word).name for word in words[1:4]}))


def _repository(folder: Path) -> Path | None:
    return next((parent for parent in (folder, *folder.parents) if (parent / ".dvc").is_dir()), None)


def mend(home: Path) -> None:
    """Restore the files that a killed DVC left empty or truncated, and log it. Call only while no DVC runs here."""
    for path in WRITTEN:
        if (home / path).exists() and not _is_kept(home, path) and not _whole(home / path):
            _restore(home, path)
    if _left(home / RWLOCK):
        time.sleep(SETTLING)
        if _left(home / RWLOCK) and not running(home):
            (home / RWLOCK).unlink(missing_ok=True)
            log.info("dvc: removed %s, which a killed run left", RWLOCK)
    keep(home)


def _left(path: Path) -> bool:
    """Return whether DVC's lock file is truncated, or names only processes that can no longer be running."""
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        holders = [*lock.get("write", {}).values(), *itertools.chain(*lock.get("read", {}).values())]
        written = path.stat().st_mtime
        return bool(holders) and not any(_may_hold(holder["pid"], written) for holder in holders)
    except FileNotFoundError:
        return False
    except (ValueError, AttributeError, TypeError, KeyError):
        return True


def _may_hold(pid: int, written: float) -> bool:
    """Return whether a process runs and started before the file was written: process ids are reused."""
    try:
        process = psutil.Process(pid)
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= written + 1)
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False


def keep(home: Path) -> None:
    """Copy each file that DVC writes if it is complete and has changed since the last copy."""
    for path in WRITTEN:
        if (home / path).exists() and not _is_kept(home, path) and _whole(home / path):
            with replacing(home / KEPT / path) as temporary:
                shutil.copyfile(home / path, temporary)


def _is_kept(home: Path, path: Path) -> bool:
    copy = home / KEPT / path
    return copy.exists() and copy.read_bytes() == (home / path).read_bytes()


def _whole(path: Path) -> bool:
    """Return whether a file is complete: it ends with a newline, each hash has a size. DVC reports git conflicts."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".dvc" or "<<<<<<< " in text:  # .dvc: short, written in one go, and also edited by hand
            return bool(text.strip("\0 \n"))
        found = yaml_file.parsed(text, str(path))
        stages = found["schema"] and found.get("stages", {}).values()
        entries = [entry for stage in stages for key in ("deps", "outs") for entry in stage.get(key, ())]
        return text.endswith("\n") and all(entry["path"] and _whole_hash(entry) for entry in entries)
    except (AssayError, UnicodeDecodeError, TypeError, AttributeError, KeyError):  # not a mapping, or a key is missing
        return False


def _whole_hash(entry: dict[str, Any]) -> bool:
    digest = entry.get("md5", "")
    return "md5" not in entry or ("size" in entry and (not str(digest).endswith(".dir") or "nfiles" in entry))


def _restore(home: Path, path: Path) -> None:
    """Restore a file from the copy, else from git; else remove it: DVC finds stages in its run cache or reruns them."""
    if (copy := home / KEPT / path).exists():
        with replacing(home / path) as temporary:
            shutil.copyfile(copy, temporary)
        log.info("dvc: %s was cut by a killed run; restored from %s", path, KEPT)
    elif committed := git(home, "show", f"HEAD:./{path.as_posix()}"):
        write_text(home / path, committed)
        log.info("dvc: %s was cut by a killed run; restored from git", path)
    elif path.suffix == ".dvc":
        raise AssayError(f"{path}: cut by a killed run, and git does not have it; make it again: dvc add data")
    else:
        (home / path).unlink(missing_ok=True)
        log.info("dvc: %s was cut by a killed run; removed, stages are found in the run cache", path)
