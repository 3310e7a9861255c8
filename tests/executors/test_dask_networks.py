"""Workers that reach the scheduler alone, in network namespaces of their own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.conftest import Home
from tests.executors.helpers_dask import DaskCluster, drive, ends, joined, two_workers, until

pytest.importorskip("distributed")


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
        with joined(cluster, home, code) as executor:
            until(lambda: two_workers(executor))
            for number in range(6):
                executor.submit(home.job(number, train__learning_rate=0.1))
            heard = drive(executor)
    finally:
        cluster.end()
    assert sorted(ends(heard)) == list(range(6))
    trained = [(tmp_path / "dask" / name / "trained.txt").read_text().splitlines() for name in namespaces]
    assert all(trained)
    assert sum(map(len, trained)) == 6
