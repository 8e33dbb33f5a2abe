"""Questions about the past, asked of InfluxDB in threads of their own: whoever waits for one waits a bounded time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from vigil.domain.errors import StoreError
from vigil.domain.readings import ReadingBatch
from vigil.runtime.clock import Clock
from vigil.runtime.supervise import attempt
from vigil.store import Buckets

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
#: Seconds that a person waits for old values, for all questions of one request together (ours).
WAIT_S = 5.0
#: Seconds without a question after one without an answer (ours): a server that is away costs one request its wait, not each.
AWAY_S = 30.0
#: Questions at the server at once, and requests that may wait for their turn besides: few of the threads that serve (ours).
PLACES, WAITING = 4, 12


class History(Protocol):
    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch: ...
    def windows(self, streams: Sequence[int], start: int, end: int, width: int) -> Buckets: ...


class Older:
    """``history``: a way to the server for one question. Safe to use from several threads."""

    def __init__(self, history: Callable[[], AbstractContextManager[History]], clock: Clock) -> None:
        self._history, self._clock = history, clock
        self._inside = threading.BoundedSemaphore(PLACES + WAITING)
        self._places = threading.BoundedSemaphore(PLACES)
        self._away_until, self._why = float("-inf"), ""

    def ask(self, question: Callable[[History], T], wait_s: float) -> T:
        """Raises ``StoreError`` when there is no answer after ``wait_s`` seconds, or there was none just before."""
        if not self._inside.acquire(blocking=False):
            raise StoreError("too many ask InfluxDB for old readings at once")
        try:
            return self._ask(question, wait_s)
        finally:
            self._inside.release()

    def _ask(self, question: Callable[[History], T], wait_s: float) -> T:
        began = self._clock.monotonic()
        self._check_away()
        if not self._places.acquire(timeout=max(wait_s, 0.0)):
            raise StoreError("others ask InfluxDB for old readings already")
        answer: Future[T] = Future()
        thread = threading.Thread(target=self._answer, args=(question, answer), name="influx-past", daemon=True)
        thread.start()  # gives the place back itself, whenever it ends
        try:
            return answer.result(timeout=max(wait_s - (self._clock.monotonic() - began), 0.0))
        except TimeoutError as error:
            why = f"InfluxDB did not answer a question about old readings within {wait_s:.0f} s"
            raise self._away(why) from error
        except StoreError as error:
            raise self._away(str(error)) from error

    def _answer(self, question: Callable[[History], T], answer: Future[T]) -> None:
        def run() -> None:
            try:
                self._check_away()  # whoever had the place before may have waited in vain
                with self._history() as history:
                    answer.set_result(question(history))
            except StoreError as error:
                answer.set_exception(error)

        try:
            error = attempt("a question to InfluxDB", run)
            if error is not None:
                answer.set_exception(StoreError(f"the answer of InfluxDB cannot be used: {type(error).__name__}"))
        finally:
            self._places.release()

    def _check_away(self) -> None:
        if self._clock.monotonic() < self._away_until:
            raise StoreError(self._why)

    def _away(self, why: str) -> StoreError:
        if self._clock.monotonic() >= self._away_until:
            _LOG.warning("%s; answers have what Vigil keeps itself, InfluxDB is asked again in %.0f s", why, AWAY_S)
            self._away_until = self._clock.monotonic() + AWAY_S
        self._why = why
        return StoreError(why)
