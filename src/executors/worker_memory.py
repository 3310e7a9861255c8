"""When a process that trains is replaced for the memory that it holds."""

from dataclasses import dataclass

import psutil

MEGABYTE = 2**20
LIMIT = 512.0  # megabytes above what a process held after its first job, from which on it is replaced
LEAST_JOBS = 10  # before that a process is kept: one large model after a small one is no leak


@dataclass
class MemoryGrowth:
    """The rule by which a process that trains job after job is replaced."""

    process: int
    first: float = 0.0
    jobs: int = 0

    def exceeded(self) -> bool:
        """Look at what the process holds after a job, and return whether it has grown too much."""
        try:
            megabytes = psutil.Process(self.process).memory_info().rss / MEGABYTE
        except psutil.Error:  # it has ended, as will be seen
            return False
        self.jobs += 1
        self.first = self.first or megabytes
        return self.jobs >= LEAST_JOBS and megabytes - self.first > LIMIT
