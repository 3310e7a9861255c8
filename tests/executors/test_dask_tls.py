"""A cluster that talks with TLS, set up with the commands and the configuration that docs/cluster.md gives."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from ruamel.yaml import YAML

from src.core.errors import AssayError
from src.executors.protocol import Finished
from tests.conftest import ROOT
from tests.executors.conftest import Home
from tests.executors.helpers_dask import DaskCluster
from tests.executors.test_dask import PRETENDED, code, drive

dask = pytest.importorskip("dask")
from src.executors.dask.executor import ClusterExecutor  # noqa: E402  where Dask is installed

__all__ = ["code"]
TLS = (ROOT / "docs/cluster.md").read_text(encoding="utf-8").split("## TLS")[1].split("\n## ")[0]


def certified(folder: Path) -> Path:
    """Run the commands of the docs, and write the configuration that it gives, with these certificates."""
    folder.mkdir()
    made = re.findall(r"```bash\n(.*?)```", TLS, re.DOTALL)[0]
    subprocess.run(["bash", "-e", "-c", made], cwd=folder, check=True, capture_output=True)
    written = re.findall(r"```yaml\n(.*?)```", TLS, re.DOTALL)[0]
    (folder / "assay.yaml").write_text(written.replace("/etc/assay", str(folder)))
    return folder / "assay.yaml"


def configured(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = dask.config.merge(dask.config.config, YAML(typ="safe", pure=True).load(path))
    return found


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    return certified(tmp_path_factory.mktemp("tls") / "own")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(
        tmp_path_factory.mktemp("dask"), scheme="tls", environment={"DASK_CONFIG": str(certificates.parent)}
    )
    cluster.start_scheduler("--protocol", "tls")
    cluster.start_worker("one", "--host", cluster.host)
    yield cluster
    cluster.end()


def test_a_trial_is_trained_over_tls_with_the_documented_certificates(
    secure: DaskCluster, certificates: Path, code: Path, home: Home
) -> None:
    assert (certificates.parent / "key.pem").stat().st_mode & 0o077 == 0
    with dask.config.set(configured(certificates)):
        executor = ClusterExecutor(secure.address, home.folder, root=code, target=PRETENDED)
        try:
            executor.submit(home.job(1, train__learning_rate=0.05))
            assert isinstance(drive(executor)[-1], Finished)
            assert all(worker.startswith("tls://") for worker in executor._workers)
        finally:
            executor.close()


def test_nothing_of_the_cluster_listens_on_other_addresses(secure: DaskCluster) -> None:
    """After the training above, so that all of it is there: pages of the scheduler would be open to anybody."""
    assert secure.scheduler
    parents = [psutil.Process(process.pid) for process in (secure.scheduler, *secure.workers)]
    tree = [each for parent in parents for each in (parent, *parent.children(recursive=True))]
    listening = [found.laddr.ip for each in tree for found in each.net_connections() if found.status == "LISTEN"]
    assert len(listening) >= 4
    assert set(listening) == {secure.host}
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8").replace('"', "").replace(",", "")
    assert len(re.findall(r"dask (?:scheduler|worker) ", page)) == page.count("--dashboard-address 127.0.0.1:0") - 1


@pytest.mark.parametrize("kind", ["none", "another authority's", "no TLS"])
def test_a_driver_without_the_clusters_certificate_is_refused_in_a_line(
    secure: DaskCluster, home: Home, tmp_path: Path, kind: str
) -> None:
    other = configured(certified(tmp_path / "other")) if kind == "another authority's" else {}
    address = secure.address.replace("tls", "tcp") if kind == "no TLS" else secure.address
    with dask.config.set(other), pytest.raises(AssayError, match="--dask: ") as told:
        ClusterExecutor(address, home.folder, seconds_to_connect=4)
    assert "\n" not in str(told.value)
    assert ("TLS in docs/cluster.md" in str(told.value)) == (kind != "no TLS")
