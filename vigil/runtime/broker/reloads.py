"""Telling mosquitto about changed accounts so that it cannot miss the last change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from vigil.domain.errors import BrokerError

logger = logging.getLogger(__name__)

#: Seconds after a change at which the broker is told once more (ours).
AGAIN_S = (1.0, 5.0)


class Reloads:
    """``reload`` at each change, and again after a pause, once for a burst of changes.

    mosquitto 2.0.11 only notes that a SIGHUP came and forgets the note when it has finished reading: a signal that comes
    while it reads is lost, and the account written last stays unknown. Its device would be refused until the next change.
    """

    def __init__(self, reload: Callable[[], object], again_s: Sequence[float] = AGAIN_S) -> None:
        self._reload = reload
        self._again_s = again_s
        self._changed = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def now(self) -> None:
        """Raises ``BrokerError`` when a running broker cannot be told."""
        self._reload()
        self._changed.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="broker-reloads", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._changed.wait() and not self._stopping:
            self._changed.clear()
            for pause in self._again_s:
                if self._changed.wait(pause):
                    break
                self._once_more()

    def _once_more(self) -> None:
        try:
            self._reload()
        except BrokerError as error:
            logger.warning("%s; it reads them when it starts", error)
