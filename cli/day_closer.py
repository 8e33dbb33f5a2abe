"""Moves closed days out of the database while the core runs, and forgets those that the settings do not keep."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from vigil.domain.errors import StoreError
from vigil.domain.times import DAY, HOUR
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.runtime.supervise import guard
from vigil.store.duck.store import DuckReadingStore

logger = logging.getLogger(__name__)

#: A day is closed when nothing that is judged can come for it any more: 24 h late, and two for a slow clock (ours).
CLOSED_AFTER_US = 26 * HOUR
#: Between two looks (ours).
EVERY_S = 600.0


class DayCloser:
    """``keep_days``: days of readings that are kept, ``rollup_keep_days``: of their roll-ups, 0 = all. ``waiting``: first and
    last ordinal of readings that whoever copies them does not have yet: their days, and those after them, are not forgotten.
    ``failing``: why it could not, empty = it could."""

    def __init__(
        self,
        readings: DuckReadingStore,
        clock: Clock,
        keep_days: int,
        metrics: Metrics,
        waiting: Callable[[], Sequence[tuple[int, int]]] = tuple,
        rollup_keep_days: int = 0,
    ) -> None:
        self._readings = readings
        self._waiting = waiting
        self._clock = clock
        self._keep_us, self._keep_rollups_us = keep_days * DAY, rollup_keep_days * DAY
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=guard("days", self._run, _ignore), name="days", daemon=True)
        self._moved = metrics.counter(
            "store_readings_moved_total", "Readings moved from the database into files by day"
        )
        self._forgotten = metrics.counter("store_readings_forgotten_total", "Readings that the settings do not keep")
        self.failing = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for a move that has begun."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        now = self._clock.now_us()
        try:
            self._moved.inc(self._readings.close_days(now - CLOSED_AFTER_US))
            if self._keep_us:
                self._forgotten.inc(self._readings.forget_days(now - self._keep_us, self._waiting()))
                if self._keep_rollups_us:  # never those of readings that are still there: charts go by them
                    self._readings.forget_hours(min(now - self._keep_rollups_us, self._readings.whole_since()))
            self.failing = ""
        except StoreError as error:
            if str(error) != self.failing:
                logger.error("days cannot be closed: %s", error)
            self.failing = str(error)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self.look()


def _ignore(_name: str, _error: Exception) -> None:
    """The log has why; readings and alarms do not depend on it."""
