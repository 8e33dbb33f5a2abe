"""Recordings of real people as devices: the shape every dataset is read into, and its packs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

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
    """One real person's numbers. ``seconds``: since the start, rising, at any spacing; ``columns``: values at them, NaN =
    nothing was sent.

    ``no_reading``: where the device tried and got nothing (sent as "tried, no value" with the contact-lost bit, never as 0);
    the column is NaN there. ``quality``: the recording's own word on each value as device bits of
    ``vigil.domain.quality.Quality``; a column that is not in it has no bits.
    """

    device_id: str
    age: int
    sex: str
    seconds: NDArray[np.int64]
    columns: Mapping[Channel, Floats]
    no_reading: Mapping[Channel, NDArray[np.bool_]]
    quality: Mapping[Channel, NDArray[np.uint16]] = field(default_factory=dict)

    @property
    def values(self) -> int:
        """How many values it holds: with ``tried`` and what is refused, sent and stored must come out equal."""
        return sum(int(np.isfinite(column).sum()) for column in self.columns.values())

    @property
    def tried(self) -> int:
        """How many times the device tried and got nothing."""
        return sum(int(mask.sum()) for mask in self.no_reading.values())


def first_hours(recording: Recording, hours: float) -> Recording:
    """What was measured in the first ``hours``, its start included and their end not."""
    if hours <= 0:
        raise ScenarioError("a recording is cut to more than 0 hours")
    kept = int(np.searchsorted(recording.seconds, hours * 3600.0))
    return replace(
        recording,
        seconds=recording.seconds[:kept],
        columns={channel: column[:kept] for channel, column in recording.columns.items()},
        no_reading={channel: mask[:kept] for channel, mask in recording.no_reading.items()},
        quality={channel: bits[:kept] for channel, bits in recording.quality.items()},
    )


def packs(recording: Recording, start_us: int, joined_seconds: int = 1) -> Iterator[tuple[int, Pack]]:
    """Each pack with its due offset from the start of the recording in microseconds; the second 0 is measured at ``start_us``.

    A pack holds what was measured within ``joined_seconds`` of its first value and is due with its last. Seconds in which
    nothing was sent make no pack. Who plays faster divides the offsets and leaves the time stamps alone.
    """
    if joined_seconds < 1:
        raise ScenarioError("a pack joins at least one second")
    channels = [(name, site, _as_records(recording, (name, site))) for name, site in recording.columns]
    seconds = recording.seconds.tolist()
    first = 0
    for index in range(1, len(seconds) + 1):
        if index < len(seconds) and seconds[index] < seconds[first] + joined_seconds:
            continue
        times = tuple(start_us + second * 1_000_000 for second in seconds[first:index])
        records = tuple(record for at, t_us in enumerate(times, first) for record in _at(channels, at, t_us))
        if records:
            yield times[-1] - start_us, Pack(recording.device_id, times, records)
        first = index


_Shown = tuple[list[float], list[bool], list[int]]


def _as_records(recording: Recording, channel: Channel) -> _Shown:
    column = recording.columns[channel]
    lost = recording.no_reading.get(channel, np.zeros(column.size, dtype=np.bool_))
    bits = recording.quality.get(channel, np.zeros(column.size, dtype=np.uint16))
    return column.tolist(), lost.tolist(), bits.tolist()


def _at(channels: list[tuple[str, str | None, _Shown]], index: int, t_us: int) -> Iterator[Record]:
    for name, site, (values, lost, bits) in channels:
        if lost[index]:
            yield Record(name, t_us, None, int(Quality.CONTACT_LOST) | bits[index], site)
        elif np.isfinite(values[index]):
            yield Record(name, t_us, values[index], bits[index], site)
