"""Jobs on a real Dask cluster: a scheduler and workers, processes in folders of their own."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import Trial, TrialState

from src.core.errors import AssayError
from src.executors import child
from src.executors.local import LocalExecutor
from src.executors.protocol import Epoch, Event, Executor, Failed, Finished, Fold, Lost
from src.executors.workers import Workers
from src.tune.driver import Proposal
from tests.conftest import ROOT
from tests.executors.conftest import Home
from tests.executors.helpers_dask import DaskCluster, free_port, kill, until
from tests.tune import helpers_search as searching

pytest.importorskip("distributed")
from src.executors.dask import executor as executing
from src.executors.dask import on_worker, upload
from src.executors.dask.executor import ClusterExecutor

PRETENDED = "src.executors.pretended:run"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository whose trial only pretends to train."""
    root = tmp_path_factory.mktemp("code")
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).parent / "helpers_pretended.py", root / "src/executors/pretended.py")
    return root


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Give a scheduler with two workers, one of them with two threads."""
    cluster = DaskCluster(tmp_path_factory.mktemp("dask"))
    cluster.start_scheduler()
    cluster.start_worker("one", "--no-nanny")
    cluster.start_worker("two", "--no-nanny", "--nthreads", "2")
    yield cluster
    cluster.end()


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Give a scheduler with one worker of two threads, which its nanny brings back."""
    cluster = DaskCluster(tmp_path_factory.mktemp("single"))
    cluster.start_scheduler()
    cluster.start_worker("one", "--nthreads", "2")
    yield cluster
    cluster.end()


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Give a scheduler whose workers tests start and kill; the last of them kills the scheduler."""
    cluster = DaskCluster(tmp_path_factory.mktemp("breakable"))
    cluster.start_scheduler()
    yield cluster
    cluster.end()


@contextmanager
def joined(cluster: DaskCluster, home: Home, code: Path) -> Iterator[ClusterExecutor]:
    """Give an executor on a cluster, whose trials only pretend to train."""
    executor = ClusterExecutor(cluster.address, home.folder, root=code, target=PRETENDED)
    try:
        yield executor
    finally:
        executor.close()


def drive(executor: ClusterExecutor, *, stop: int | None = None, seconds: float = 30) -> list[Event]:
    """Answer every epoch until each job has ended, and give what was heard; trial `stop` is told to stop."""
    heard: list[Event] = []
    while executor._waiting or executor._running:
        event = executor.next(seconds)
        assert event, f"nothing after {heard}"
        heard.append(event)
        if isinstance(event, Epoch):
            executor.answer(event.number, go_on=event.number != stop)
    return heard


def end_of(executor: Executor) -> Event:
    """Let the only job of an executor train to its end; its worker may have to load TensorFlow."""
    while isinstance(event := executor.next(400), Epoch):
        executor.answer(event.number, go_on=True)
    assert event, "nothing heard"
    return event


def ends(heard: list[Event]) -> dict[int, Event]:
    found = [event for event in heard if not isinstance(event, Epoch)]
    assert len({event.number for event in found}) == len(found)
    return {event.number: event for event in found}


def two_workers(executor: ClusterExecutor) -> bool:
    executor.next(0.1)
    return executor.workers == 2


def sent(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List the workers that were sent files, once for each time."""
    return [str(record.args) for record in caplog.records if "sending files" in record.message]


def test_each_job_ends_once_and_what_it_said_arrives(
    started: DaskCluster, code: Path, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "src.executors")
    with joined(started, home, code) as executor:
        until(lambda: two_workers(executor))
        for number in range(6):
            rate = 10.0 if number == 2 else 0.05
            executor.submit(home.job(number, train__learning_rate=rate))
        heard = drive(executor, stop=4)
    found = ends(heard)
    assert sorted(found) == list(range(6))
    assert found[2] == Failed(2, "ValueError: this cannot be")
    stopped, whole = found[4], found[5]
    assert isinstance(stopped, Finished)
    assert isinstance(whole, Finished)
    assert (stopped.stopped, len(stopped.rows)) == (True, 1)
    assert (whole.stopped, whole.scores, [row["epoch"] for row in whole.rows]) == (False, {"val_auc": 0.75}, [1, 2, 3])
    assert {found[n].facts["threads"] for n in (0, 1, 3, 5)} == {1, 2}  # type: ignore[union-attr]  those of the worker
    assert sorted(Counter(sent(caplog)).values()) == [2, 2]  # code and images, once to each of two folders


def test_images_that_are_there_are_not_sent_again_and_test_rows_never(
    started: DaskCluster, code: Path, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "src.executors")
    with joined(started, home, code) as executor:
        until(lambda: two_workers(executor))
        for number in range(4):
            executor.submit(home.job(number, train__learning_rate=0.05))
        drive(executor)
    assert sent(caplog) == [], "the test before had them sent"
    own = np.load(home.prepared.images)
    kept = list(started.folder.rglob("images.npy"))
    assert len(kept) == 2
    with home.split.parts.open(newline="") as file:
        parts = {int(line["row"]): line["part"] for line in csv.DictReader(file)}
    seen = np.array([parts.get(row) in ("train", "val") for row in range(len(own))])
    for path in kept:
        there = np.load(path)
        np.testing.assert_array_equal(there[seen], own[seen])
        assert not there[~seen].any()
        assert own[~seen].any()
        assert "test" not in (path.parents[1] / "split/split.csv").read_text()
        with (path.parent / "index.csv").open(newline="") as file:
            labels = np.array([line["label"] for line in csv.DictReader(file)])
        assert len(set(labels[~seen])) == 1 < len(set(labels[seen]))  # of a row of test no label


def test_of_a_fold_its_rows_alone_are_sent(home: Home) -> None:
    fold = Fold((0, 2), (5,), (8,))
    sent_images = upload.of_images(replace(home.job(), fold=fold), home.folder)
    pieces = [piece for message in sent_images.messages() for piece in message]
    texts = {name: content.decode() for name, _, content in pieces if name.endswith(".csv")}
    rows = [line.split(",")[0] for line in texts["build/split/split.csv"].splitlines()[1:]]
    assert rows == ["0", "2", "5", "8"]
    labels = texts["build/prepared/index.csv"].splitlines()[1:]
    assert {label for row, label in enumerate(labels) if row not in (0, 2, 5, 8)} == {labels[0]}
    assert len([name for name, _, content in pieces if name.endswith("images.npy") and content]) == 1 + 4


def test_a_variant_of_the_images_is_made_here_and_sent_as_well(started: DaskCluster, code: Path, home: Home) -> None:
    with joined(started, home, code) as executor:
        for number, size in enumerate((24, 20, 20)):
            executor.submit(home.job(number, preprocess__image_size=size, train__learning_rate=0.01))
        heard = drive(executor)
    sums = {event.number: event.rows[0]["images"] for event in ends(heard).values() if isinstance(event, Finished)}
    own = np.load(home.prepared.images)
    assert sums[0] == own[1].sum()
    assert sums[1] == sums[2] != sums[0]


def test_jobs_that_nobody_trains_yet_are_taken_back_and_never_trained(
    started: DaskCluster, code: Path, home: Home
) -> None:
    first, second = (
        ClusterExecutor(started.address, home.folder, root=code, target=PRETENDED, seconds_to_connect=10)
        for _ in range(2)
    )
    try:
        for number in (1, 2):
            first.submit(home.job(number, train__learning_rate=0.05))
        assert {type(first.next(20)) for _ in (1, 2)} == {Epoch}
        for number in (96, 97, 98):  # two behind the first driver's, one without a worker
            second.submit(home.job(number, train__learning_rate=0.05))
        assert second.next(1) is None
        assert sorted(second.take_back()) == [96, 97, 98]
        for number in (1, 2):
            first.answer(number, go_on=True)
        assert sorted(ends(drive(first))) == [1, 2]
        assert second.next(1) is None
    finally:
        first.close()
        second.close()
    trained = [path.read_text() for path in started.folder.glob("*/trained.txt")]
    assert not any(line.startswith("9") for text in trained for line in text.splitlines())


def test_a_process_that_has_grown_is_replaced_before_the_next_job(
    started: DaskCluster, code: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "LEAST_JOBS", 1)
    monkeypatch.setattr(child, "LIMIT", -1.0)
    with joined(started, home, code) as executor:
        for number in range(60, 65):
            executor.submit(home.job(number, train__learning_rate=0.01))
        drive(executor)
    lines = [line for path in started.folder.glob("*/trained.txt") for line in path.read_text().splitlines()]
    assert len({line.split()[1] for line in lines if line.startswith("6")}) >= 4  # the first of each may be warm


@pytest.fixture
def namespaces() -> Iterator[list[str]]:
    """Give two network namespaces that reach this one, over the networks 10.213.1 and .2, but not each other."""
    names = [f"assay-{os.getpid()}-{number}" for number in (1, 2)]
    try:
        for number, name in enumerate(names, start=1):
            inner = ["ip", "netns", "exec", name, "ip"]
            link, network = f"as{os.getpid() % 10**6}n{number}", f"10.213.{number}"
            for command in (
                ["ip", "netns", "add", name],
                ["ip", "link", "add", link, "type", "veth", "peer", "name", "there", "netns", name],
                ["ip", "address", "add", f"{network}.1/24", "dev", link],
                ["ip", "link", "set", link, "up"],
                [*inner, "address", "add", f"{network}.2/24", "dev", "there"],
                [*inner, "link", "set", "there", "up"],
                [*inner, "link", "set", "lo", "up"],
            ):
                try:
                    subprocess.run(command, check=True, capture_output=True)
                except (OSError, subprocess.CalledProcessError):
                    pytest.skip("network namespaces need root and the package iproute2")
        yield names
    finally:
        for name in names:
            if shutil.which("ip"):
                subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def test_workers_in_networks_of_their_own_need_to_reach_the_scheduler_alone(
    namespaces: list[str], code: Path, home: Home, tmp_path: Path
) -> None:
    cluster = DaskCluster(tmp_path / "dask", host="0.0.0.0")
    try:
        cluster.start_scheduler()
        for number, name in enumerate(namespaces, start=1):
            cluster.host = f"10.213.{number}.1"
            cluster.start_worker(name, "--no-nanny", prefix=["ip", "netns", "exec", name])
        executor = ClusterExecutor(cluster.address, home.folder, root=code, target=PRETENDED)
        until(lambda: two_workers(executor))
        for number in range(6):
            executor.submit(home.job(number, train__learning_rate=0.1))
        heard = drive(executor)
        executor.close()
    finally:
        cluster.end()
    assert sorted(ends(heard)) == list(range(6))
    trained = [(tmp_path / "dask" / name / "trained.txt").read_text().splitlines() for name in namespaces]
    assert all(trained)
    assert sum(map(len, trained)) == 6


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "127.0.0.1:{port}", "tcp://", "nonsense://here:8786"])
def test_an_address_where_no_scheduler_answers_is_told_in_a_line(address: str, home: Home) -> None:
    with pytest.raises(AssayError, match=r"--dask: (expected an address|no scheduler answers)") as told:
        ClusterExecutor(address.format(port=free_port()), home.folder, seconds_to_connect=1)
    assert "\n" not in str(told.value)


def test_without_distributed_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "src.executors.dask.executor")
    with pytest.raises(AssayError, match="expected the package distributed, found none; install it with `uv pip"):
        Workers(dask="tcp://127.0.0.1:1").start(tmp_path, tmp_path)


def test_a_worker_with_other_packages_is_named_with_what_differs(
    started: DaskCluster, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "VERSIONS", {"python": "2.7", "numpy": "1.0", "keras": "none"})
    with pytest.raises(AssayError, match=r"tcp://\S+: expected python 2.7, found 3.\d+, expected numpy 1.0, "):
        ClusterExecutor(started.address, home.folder)


def test_a_worker_that_is_not_fit_later_gets_no_job_and_costs_none_a_try(
    started: DaskCluster, code: Path, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with joined(started, home, code) as executor:
        monkeypatch.setattr(executing, "VERSIONS", {"python": "2.7"})
        executor.submit(home.job(1))
        until(lambda: executor.next(0.1) or "expected python 2.7" in caplog.text)
        assert executor.next(2) is None
        assert executor.take_back() == [1]
    assert "; it gets no trials" in caplog.text


@pytest.mark.parametrize("said", ["", "left"])
def test_a_worker_that_fails_without_a_word_or_leaves_is_told_and_costs_no_try(
    started: DaskCluster, code: Path, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    said: str,
) -> None:  # fmt: skip
    with joined(started, home, code) as executor:

        def run(*_: object, workers: list[str]) -> dict[str, object]:
            if said:
                return {}
            raise TimeoutError

        monkeypatch.setattr(executor._client, "run", run)
        executor.submit(home.job(1))
        until(lambda: executor.next(0.1) or f": {said or 'TimeoutError'}; it gets no trials" in caplog.text)
        assert executor.next(2) is None
        assert executor.take_back() == [1]


def test_nobody_else_may_look_into_a_folder_of_sent_files(tmp_path: Path) -> None:
    on_worker.write(tmp_path / "part", [("a/b/c.npy", 0, b"x")])
    assert (tmp_path / "part").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "part/a/b/c.npy").read_bytes() == b"x"


def test_a_nanny_brings_a_killed_worker_back_and_nothing_is_sent_to_it_again(
    single: DaskCluster, code: Path, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "src.executors")
    with joined(single, home, code) as executor:
        executor.submit(home.job(1, train__learning_rate=0.05))
        assert isinstance(executor.next(60), Epoch)
        files = len(sent(caplog))
        trained = single.folder / "one/trained.txt"
        os.kill(int(trained.read_text().split()[-1]), signal.SIGKILL)
        assert isinstance(executor.next(60), Lost)
        executor.submit(home.job(1, train__learning_rate=0.05))
        assert isinstance(drive(executor)[-1], Finished)
        assert len(sent(caplog)) == files
    assert len({line.split()[1] for line in trained.read_text().splitlines()[-2:]}) == 2


DRIVER = """
import sys
from pathlib import Path
from src.executors.dask.executor import ClusterExecutor
from src.executors.protocol import Job
import json
address, home, root, job = sys.argv[1:]
executor = ClusterExecutor(address, Path(home), root=Path(root), target="src.executors.pretended:run")
executor.submit(Job(3, json.loads(job), 1))
print(executor.next(60), flush=True)
sys.stdin.read()
"""


def test_a_driver_ends_though_the_cluster_does_not_answer_what_it_asked(
    single: DaskCluster, code: Path, home: Home
) -> None:
    """As where the scheduler goes away while files or an answer are on their way."""
    job = home.job(3, train__learning_rate=0.05)
    silent = "import time\nexecutor._client.run = lambda *_, **__: time.sleep(1000)\nexecutor.submit"
    waiting = (
        DRIVER.replace("executor.submit", silent).replace("(60)", "(2)").replace("sys.stdin.read", "executor.close")
    )
    arguments = [single.address, str(home.folder), str(code), json.dumps(job.params)]
    driver = subprocess.Popen([sys.executable, "-c", waiting, *arguments], cwd=ROOT, stdin=subprocess.PIPE)
    try:
        assert driver.wait(30) == 0
    finally:
        driver.kill()
        driver.communicate()


def test_a_worker_gives_up_what_it_does_for_a_driver_that_was_killed(
    single: DaskCluster, code: Path, home: Home
) -> None:
    job = home.job(3, train__learning_rate=0.05, train__epochs=500)
    arguments = [single.address, str(home.folder), str(code), json.dumps(job.params)]
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert driver.stdout
    assert b"Epoch" in driver.stdout.readline()
    driver.kill()
    driver.communicate()
    with joined(single, home, code) as executor:
        executor.submit(home.job(4, train__learning_rate=0.05))
        heard = drive(executor)
    assert [type(event) for event in heard] == [Epoch, Epoch, Epoch, Finished]
    assert {event.number for event in heard} == {4}


def test_a_worker_of_two_threads_runs_the_code_of_each_of_two_drivers_in_turn(
    single: DaskCluster, code: Path, home: Home, tmp_path: Path
) -> None:
    edited = tmp_path / "edited"
    shutil.copytree(code, edited)
    pretended = edited / "src/executors/pretended.py"
    pretended.write_text(pretended.read_text().replace('{"val_auc": 0.75}', '{"val_auc": 0.25}'))
    first, second = (
        ClusterExecutor(single.address, home.folder, root=root, target=PRETENDED) for root in (code, edited)
    )
    try:
        first.submit(home.job(1, train__learning_rate=0.05))
        assert isinstance(first.next(20), Epoch)
        second.submit(home.job(1, train__learning_rate=0.05))
        assert second.next(1) is None
        first.answer(1, go_on=True)
        ended = [drive(executor)[-1] for executor in (first, second)]
    finally:
        first.close()
        second.close()
    assert [end.scores["val_auc"] for end in ended if isinstance(end, Finished)] == [0.75, 0.25]


@pytest.mark.slow
def test_a_training_on_the_cluster_gives_the_values_of_one_here(
    single: DaskCluster, home: Home, tmp_path: Path
) -> None:
    found = []
    for executor in (ClusterExecutor(single.address, home.folder), LocalExecutor(1, 2, tmp_path / "logs", home.folder)):
        try:
            executor.submit(home.job(1, seed=5))
            found.append(end_of(executor))
        finally:
            executor.close()
    there, here = found
    assert isinstance(there, Finished)
    assert isinstance(here, Finished)
    assert there.rows == here.rows
    assert there.scores == here.scores


def test_a_cluster_without_workers_is_told_in_a_line(breakable: DaskCluster, home: Home) -> None:
    with pytest.raises(AssayError, match="has had no worker for 1 seconds"):
        ClusterExecutor(breakable.address, home.folder, seconds_without_workers=1).next(10)


def test_a_study_holds_exactly_its_trials_though_its_workers_are_killed_and_another_joins(
    breakable: DaskCluster, code: Path, home: Home, tmp_path: Path
) -> None:
    def proposed(trial: Trial) -> Proposal:
        if trial.number == 2:  # one of the first trials has ended, the other is being trained
            for worker in list(breakable.workers):
                kill(worker)
            breakable.start_worker("two", "--no-nanny")
        rate = trial.suggest_float("train.learning_rate", 0.01, 0.05)
        values = {"train.learning_rate": rate}
        return Proposal(values, home.job(train__learning_rate=rate).params, json.dumps(values))

    for name in ("one", "other"):
        breakable.start_worker(name, "--no-nanny")
    executor = ClusterExecutor(breakable.address, home.folder, root=code, target=PRETENDED)
    searching.search(tmp_path, 6, executor=executor, propose=proposed, metrics=("val_auc",))
    states = searching.states(tmp_path)
    assert states.get(TrialState.COMPLETE, 0) + states.get(TrialState.PRUNED, 0) == 6 == sum(states.values())
    assert (breakable.folder / "two/trained.txt").exists(), "the worker that joined later trained nothing"


def test_a_scheduler_that_goes_away_is_told_in_a_line(breakable: DaskCluster, code: Path, home: Home) -> None:
    if not any(worker.poll() is None for worker in breakable.workers):
        breakable.start_worker("three", "--no-nanny")
    with joined(breakable, home, code) as executor:
        executor.submit(home.job(1, train__learning_rate=0.05))
        assert isinstance(executor.next(60), Epoch)
        assert breakable.scheduler
        kill(breakable.scheduler)
        with pytest.raises(
            AssayError, match=r"lost the connection to the scheduler at tcp://.*the same command"
        ) as told:
            until(lambda: executor.next(1.0) and False)
    assert "\n" not in str(told.value)
