"""Recordings of real people as devices: the shape every dataset is read into, and its packs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.noise import Floats
from simulators.packs import Pack, Record
from vigil.domain.errors import ScenarioError
from vigil.domain.quality import Quality

#: A wire name and where on the body (None when the device has one sensor for it).
Channel = tuple[str, str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One real person's numbers. ``seconds``: since the start, rising; ``columns``: values at them, NaN = nothing was sent.

    ``no_reading``: where the device tried and got nothing (sent as "tried, no value" with the contact-lost bit, never as 0);
    the column is NaN there.
    """

    device_id: str
    age: int
    sex: str
    seconds: NDArray[np.int64]
    columns: Mapping[Channel, Floats]
    no_reading: Mapping[Channel, NDArray[np.bool_]]

    @property
    def values(self) -> int:
        """How many values it holds: with ``tried`` and what is refused, sent and stored must come out equal."""
        return sum(int(np.isfinite(column).sum()) for column in self.columns.values())

    @property
    def tried(self) -> int:
        """How many times the device tried and got nothing."""
        return sum(int(mask.sum()) for mask in self.no_reading.values())


def packs(recording: Recording, start_us: int, joined_seconds: int = 1) -> Iterator[tuple[int, Pack]]:
    """Each pack with its due offset from the start of the recording in microseconds; the second 0 is measured at ``start_us``.

    Seconds in which nothing was sent make no pack. Who plays faster divides the offsets and leaves the time stamps alone.
    """
    if joined_seconds < 1:
        raise ScenarioError("a pack joins at least one second")
    channels = [(name, site, _as_records(recording, (name, site))) for name, site in recording.columns]
    held: list[tuple[int, tuple[Record, ...]]] = []
    for index, second in enumerate(recording.seconds.tolist()):
        t_us = start_us + second * 1_000_000
        held.append((t_us, tuple(_at(channels, index, t_us))))
        if len(held) == joined_seconds or index == recording.seconds.size - 1:
            records = tuple(record for _, group in held for record in group)
            if records:
                yield t_us - start_us, Pack(recording.device_id, tuple(at for at, _ in held), records)
            held = []


_Shown = tuple[list[float], list[bool]]


def _as_records(recording: Recording, channel: Channel) -> _Shown:
    column = recording.columns[channel]
    lost = recording.no_reading.get(channel, np.zeros(column.size, dtype=np.bool_))
    return column.tolist(), lost.tolist()


def _at(channels: list[tuple[str, str | None, _Shown]], index: int, t_us: int) -> Iterator[Record]:
    for name, site, (values, lost) in channels:
        if lost[index]:
            yield Record(name, t_us, None, int(Quality.CONTACT_LOST), site)
        elif np.isfinite(values[index]):
            yield Record(name, t_us, values[index], 0, site)
