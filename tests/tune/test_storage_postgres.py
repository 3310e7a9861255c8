"""Studies in a real PostgreSQL, started for these tests; skipped where it is not installed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from src.core import redact
from src.core.errors import AssayError
from tests.conftest import ROOT
from tests.executors.helpers_dask import free_port, until
from tests.tune import helpers_search as searching

pytest.importorskip("psycopg")
PASSWORD = "s3cret/word"


@dataclass(frozen=True)
class Server:
    """Where the server listens, and who may come in."""

    port: int
    user: str = "assay"
    password: str = "s3cret%2Fword"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{self.user}:{self.password}@127.0.0.1:{self.port}/postgres"


def binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    return Path(initdb).resolve().parent if initdb else None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    place = binaries()
    as_other = ["runuser", "-u", "postgres", "--"] if os.name == "posix" and os.geteuid() == 0 else []
    if place is None or (as_other and not shutil.which("runuser")):
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    data, port = folder / "data", free_port()
    (folder / "password").write_text(PASSWORD)
    if as_other:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres")
    own = ["-U", "assay", "--pwfile", str(folder / "password"), "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [*as_other, str(place / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
    try:
        subprocess.run(
            [*as_other, str(place / "initdb"), "-D", str(data), *own], cwd="/", check=True, capture_output=True
        )
        subprocess.run([*control, "-o", options, "start"], cwd="/", check=True, stdout=subprocess.DEVNULL)
        yield Server(port)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], cwd="/", check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def finished(server: Server, name: str) -> dict[str, int]:
    import optuna

    found = [trial.state for trial in optuna.load_study(study_name=name, storage=server.url).trials]
    return {state.name: found.count(state) for state in set(found)}


def test_a_study_in_postgresql_holds_exactly_its_trials_and_goes_on(tmp_path: Path, server: Server) -> None:
    searching.search(tmp_path, 4, workers=2, url=server.url, name="whole")
    again = searching.search(tmp_path, 6, workers=2, url=server.url, name="whole")
    assert len(again.trials) == 2
    states = finished(server, "whole")
    assert states.get("COMPLETE", 0) + states.get("PRUNED", 0) == 6 == sum(states.values())


def test_postgresql_alone_means_psycopg_too(tmp_path: Path, server: Server) -> None:
    searching.search(tmp_path, 2, url=server.url.replace("+psycopg", ""), name="short")
    assert sum(finished(server, "short").values()) == 2


def test_a_killed_driver_leaves_a_study_that_goes_on_to_exactly_its_trials(tmp_path: Path, server: Server) -> None:
    total, name = 6, "killed"
    command = [sys.executable, "-c", SEARCH, str(tmp_path), str(total), name, server.url]
    for _ in range(2):
        before = sum(1 for _ in _begun(tmp_path))
        driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda before=before: sum(1 for _ in _begun(tmp_path)) >= before + 4, 60)  # type: ignore[misc]
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    assert finished(server, name).get("RUNNING"), "nothing was killed in the middle of a trial"
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    states = finished(server, name)
    assert states.get("COMPLETE", 0) + states.get("PRUNED", 0) == total == sum(states.values())


SEARCH = """
import sys
from pathlib import Path
from tests.tune import helpers_search as searching
if __name__ == "__main__":
    searching.search(Path(sys.argv[1]), int(sys.argv[2]), 2, url=sys.argv[4], name=sys.argv[3], train={"seconds": 0.1})
"""


def _begun(home: Path) -> Iterator[str]:
    with_begun = home / "begun"
    yield from with_begun.read_text().splitlines() if with_begun.exists() else ()


@pytest.mark.parametrize(
    "wrong", [{"password": "gu3ss"}, {"user": "nobody"}, {"port": 1}], ids=["password", "user", "port"]
)
def test_what_keeps_a_database_shut_is_a_line_without_the_password(
    tmp_path: Path, server: Server, wrong: dict[str, str | int]
) -> None:
    closed = replace(server, **wrong)  # type: ignore[arg-type]
    with pytest.raises(AssayError) as told:
        searching.search(tmp_path, 1, url=closed.url)
    text = redact.terminal(str(told.value))
    assert "\n" not in text
    assert "127.0.0.1" in text
    assert closed.password not in text
    assert PASSWORD not in text


def test_two_drivers_do_not_share_a_study(tmp_path: Path, server: Server) -> None:
    with (
        searching.opened(tmp_path, name="shared", url=server.url),
        pytest.raises(AssayError, match="another process works on it"),
        searching.opened(tmp_path, name="shared", url=server.url),
    ):
        pass
