"""Local workers are warm, noticed when they die, replaced when they grow, and gone when their driver is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.executors import child
from src.executors.local import LocalExecutor
from src.executors.protocol import Epoch, Event, Failed, Finished, Job, Lost
from tests.conftest import ROOT
from tests.executors.helpers_training import CHEAP


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local")


@pytest.fixture(scope="module")
def executor(folder: Path) -> Iterator[LocalExecutor]:
    """Give one for all tests here: whatever happens to its worker, it has another one afterwards."""
    made = LocalExecutor(1, 3, folder / "logs", folder, target=CHEAP)
    yield made
    made.close()


def job(number: int = 0, **train: object) -> Job:
    return Job(number, {"train": {"x": 0.3, **train}}, 1)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def end(executor: LocalExecutor, seconds: float = 20) -> Event:
    """Answer every epoch and give the event that ends the job."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        event = executor.next(1)
        if isinstance(event, Epoch):
            executor.answer(event.number, go_on=True)
        elif event:
            return event
    raise TimeoutError


def test_a_job_is_trained_to_its_end_or_until_it_is_stopped(executor: LocalExecutor) -> None:
    executor.submit(job())
    assert isinstance(end(executor), Finished)
    executor.submit(job(1))
    assert isinstance(executor.next(10), Epoch)
    executor.answer(1, go_on=False)
    stopped = executor.next(10)
    assert isinstance(stopped, Finished)
    assert stopped.stopped
    assert len(stopped.rows) == 1


def test_a_job_that_no_worker_has_yet_is_taken_back(executor: LocalExecutor) -> None:
    for number in (0, 1):
        executor.submit(job(number))
    assert executor.take_back() == [1]
    ended = end(executor)
    assert isinstance(ended, Finished)
    assert ended.number == 0
    assert executor.next(0.2) is None


def test_the_end_of_a_worker_is_noticed_at_once_and_another_takes_its_place(executor: LocalExecutor) -> None:
    executor.submit(job(seconds=30))
    deadline = time.monotonic() + 20
    while not executor._active[0].ready and time.monotonic() < deadline:
        executor.next(0.1)
    os.kill(executor.processes[0], signal.SIGKILL)
    began = time.monotonic()
    assert executor.next(10) == Lost(0, "its worker ended (SIGKILL, which the system sends when memory runs out)")
    assert time.monotonic() - began < 2
    executor.submit(job(1))
    assert isinstance(end(executor), Finished)


def test_the_log_of_a_worker_goes_on_where_another_command_left_it(executor: LocalExecutor, folder: Path) -> None:
    executor.submit(job(does="break"))
    assert isinstance(end(executor), Failed)
    log = folder / "logs" / "worker-1.log"
    before = log.read_text()
    assert "Traceback" in before
    LocalExecutor(1, 1, folder / "logs", folder, target=CHEAP).close()
    assert log.read_text().startswith(before)


def test_a_worker_that_grows_is_replaced_before_its_next_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "LEAST_JOBS", 2)
    monkeypatch.setattr(child, "LIMIT", 50)
    executor = LocalExecutor(1, 1, tmp_path, tmp_path, target=CHEAP)
    try:
        used, held = [], []
        for number in range(4):
            executor.submit(job(number, does="leak", seconds=0.1))  # 80 MB each
            assert isinstance(end(executor), Finished)
            used.append(executor.processes[0])
        held = [line for line in (tmp_path / "begun").read_text().splitlines() if line]
    finally:
        executor.close()
    assert len(set(used)) >= 2
    assert len(held) == 4 * 4, "a job was trained twice or lost"
    assert not any(alive(process) for process in used)


def test_workers_that_cannot_start_end_the_search_with_what_they_wrote(tmp_path: Path) -> None:
    executor = LocalExecutor(1, 1, tmp_path, tmp_path, target="tests.tune.missing:run")
    with pytest.raises(AssayError, match=r"worker-1.log: workers end before they can train: ModuleNotFoundError"):
        executor.next(60)
    executor.close()


def test_workers_end_with_their_driver_however_it_ends(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom src.executors.local import LocalExecutor\n"
        "from src.executors.protocol import Job\n"
        "if __name__ == '__main__':\n"
        f"    home = Path({str(tmp_path)!r})\n"
        f"    executor = LocalExecutor(2, 1, home, home, target={CHEAP!r})\n"
        "    executor.submit(Job(0, {'train': {'seconds': 100}}, 1))\n"
        "    print(*executor.processes, flush=True)\n"
        "    executor.next(1000)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    workers = [int(word) for word in (driver.stdout or iter(())).readline().split()]  # type: ignore[union-attr]
    assert len(workers) == 2
    deadline = time.monotonic() + 30
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 10
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(worker) for worker in workers)


def test_workers_that_showed_a_bar_leave_no_warning_when_they_are_ended(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom src.executors.protocol import Job\n"
        "from src.executors.local import LocalExecutor\n"
        "if __name__ == '__main__':\n"
        f"    made = LocalExecutor(1, 1, Path('logs'), Path(), target={CHEAP!r})\n"
        "    made.submit(Job(0, {'train': {'does': 'bar'}}, 1))\n"
        "    made.next(60)\n"
        "    made.close()\n"
    )
    (tmp_path / "driver.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "driver.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert (tmp_path / "begun").exists()
    assert done.stderr == ""


def test_the_driver_does_not_load_tensorflow() -> None:
    names = "src.tune, src.tune.stage, src.executors.local"
    code = f"import sys, {names}; sys.exit(bool({{'tensorflow', 'mlflow'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
