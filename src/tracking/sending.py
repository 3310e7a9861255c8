"""Sends a study on the side while it runs, so seldom that it costs nothing that can be measured."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from src.params import Params
from src.tracking import delivery, store, studies
from src.tracking.studies import Lineage, Study

log = logging.getLogger(__name__)
SHARE = 0.02  # of the time is spent on sending at most
FIRST = 60.0  # seconds before anything is sent


class Sender:
    """Brings the runs of a study up to date from time to time, in a thread, and at the end for good.

    A sending waits so long after the one before that all of them together take at most SHARE of the time. One that
    fails ends this, after one warning: then the whole study is sent, or kept, by `close`.
    """

    def __init__(self, home: Path, settings: Params, share: float = SHARE, first: float = FIRST) -> None:
        self._home = home
        self._lineage = Lineage.read(settings)
        self._share = share
        self._due = time.monotonic() + first
        self._thread: threading.Thread | None = None

    def offer(self, make: Callable[[], Study]) -> bool:
        """Send the study if it is time to, and tell whether it was; returns at once."""
        if time.monotonic() < self._due or (self._thread and self._thread.is_alive()):
            return False
        self._thread = threading.Thread(target=self._send, args=(make(),), name="studies", daemon=True)
        self._thread.start()
        return True

    def close(self, study: Study) -> bool:
        """Send the study as it stands now; where that fails keep it and say so once."""
        if self._thread:
            self._thread.join()
        return studies.send(study, self._home, self._lineage)

    def _send(self, study: Study) -> None:
        began = time.monotonic()
        try:
            with store.connected(self._home) as client:
                delivery.write(client, studies.record(study, self._lineage), self._home)
        except Exception as error:  # a server that is away must not cost a study
            log.debug("MLflow failed", exc_info=True)
            log.warning("MLflow: trials are sent when the study ends: %s", delivery.reason(error))
            self._due = float("inf")
            return
        ended = time.monotonic()
        self._due = ended + (ended - began) * (1 / self._share - 1)
