"""What a device says at once. Encoding, epoch and sequence numbers belong to whoever publishes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One value. ``name``: wire name such as "hr"; ``t_us``: measured, microseconds UTC by the device's clock, right or wrong;
    ``value`` None = tried, no value.

    ``quality``: bits of ``vigil.domain.quality.Quality``, low byte. ``site``: where on the body, for a device with two sensors.
    """

    name: str
    t_us: int
    value: float | str | None
    quality: int = 0
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """``seconds``: the true measurement times it joins, microseconds UTC, rising. ``backfill``: it waited for a connection.

    ``copies``: how often the same pack, number and all, goes out; more than once is a fault.
    """

    device_id: str
    seconds: tuple[int, ...]
    records: tuple[Record, ...]
    backfill: bool = False
    copies: int = 1

    @property
    def due_us(self) -> int:
        """When it is complete: the last of its times."""
        return self.seconds[-1]
