"""What a process holds in memory, and whether the system has killed one for lack of it."""

import os
import resource
import sys
from pathlib import Path

MEGABYTE = 2**20
# Counters of the kernel: of the whole machine, and of the container.
COUNTERS = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))


def held() -> float:
    """Give the resident memory of this process in megabytes; the most that it ever was where /proc is missing."""
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
