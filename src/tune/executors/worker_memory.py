"""What a process holds in memory, when it is replaced for it, and whether the system has killed one for lack of it."""

import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 2**20
GROWTH = 512.0  # megabytes above what a process held after its first job, from which on it is replaced
LEAST_JOBS = 10  # before that a process is kept: one large model after a small one is no leak
# Counters of the kernel: of the whole machine, and of the container.
COUNTERS = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))


@dataclass
class Growth:
    """The rule by which a process that trains job after job is replaced."""

    limit: float = GROWTH
    first: float = 0.0
    jobs: int = 0

    def exceeded(self, megabytes: float) -> bool:
        """Take note of what the process holds after a job, and say whether it has grown too much."""
        self.jobs += 1
        self.first = self.first or megabytes
        return self.jobs >= LEAST_JOBS and megabytes - self.first > self.limit


def held() -> float:
    """Return the resident memory of this process in megabytes; the most that it ever was where /proc is missing."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / MEGABYTE if sys.platform == "darwin" else most / 1024
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def kills() -> int:
    """Count the processes that the system has killed for lack of memory since it was started; 0 if it does not say."""
    return sum(_count(path) for path in COUNTERS)


def _count(path: Path) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
