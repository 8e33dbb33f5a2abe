"""Readings however old, as whoever draws or exports the past asks for them: one object for each request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from vigil.domain.readings import ReadingBatch
from vigil.store import Buckets, Latest, ReadingStore


class Lack(StrEnum):
    #: The copy of the readings gives no answer, or not in time.
    UNREACHABLE = "unreachable"
    #: The copy has more of them than one question may bring.
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Missing:
    """Single readings measured before ``before``, microseconds, that are kept elsewhere and were not had."""

    before: int
    why: Lack


class Past(Protocol):
    """The same answers as ``ReadingStore``'s, with what the store has forgotten where a copy has it. ``missing``: what the calls
    so far could not have; None = nothing. Of that time ``buckets`` has the roll-ups, by whole hours, and ``range`` nothing."""

    @property
    def missing(self) -> Missing | None: ...

    def latest(self) -> Latest: ...

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch: ...

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets: ...

    def is_whole(self, streams: Sequence[int], start: int) -> bool:
        """Had ``range``, asked for these streams from ``start`` on, every reading that it was asked for?"""
        ...

    def exceeds(self, streams: Sequence[int], start: int, end: int, limit: int) -> bool:
        """Is it known, without a look at them, that there are more readings than ``limit``?"""
        ...


class StoreAlone:
    """There is no copy: what the store has forgotten is nowhere."""

    missing = None

    def __init__(self, readings: ReadingStore) -> None:
        self._readings = readings

    def latest(self) -> Latest:
        return self._readings.latest()

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        return self._readings.range(streams, start, end, limit)

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets:
        return self._readings.buckets(streams, start, end, points)

    def is_whole(self, streams: Sequence[int], start: int) -> bool:  # noqa: ARG002 - of all streams the same
        return start >= self._readings.whole_since()

    def exceeds(self, streams: Sequence[int], start: int, end: int, limit: int) -> bool:  # noqa: ARG002 - a look costs little
        return False
