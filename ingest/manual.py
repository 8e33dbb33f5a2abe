"""Values entered by a person become readings of the pseudo device ``manual.<patient>`` and go through the same commit."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from ingest.batch import Columns, Pack
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.quality import Quality
from vigil.runtime.mqtt import Message


@dataclass(frozen=True, slots=True)
class Entry:
    """``values``: (vital index, value or code, measured time µs); range-checked by whoever took it from the person.

    ``done`` gives the ordinals after the commit.
    """

    patient_id: str
    values: tuple[tuple[int, float, int], ...]
    received_at: int
    done: Future[list[int]] = field(default_factory=Future)

    @property
    def device_id(self) -> str:
        return MANUAL_PREFIX + self.patient_id


def as_batch(entry: Entry) -> tuple[list[Pack], Columns]:
    """A batch of one pack, past decode and binding."""
    size = len(entry.values)
    pack = Pack(Message("", b"", 0, 0, 0, entry.received_at), device_id=entry.device_id)
    times = np.array([time for _, _, time in entry.values], np.int64)
    columns = Columns(
        pack=np.zeros(size, np.intp),
        vital=np.array([vital for vital, _, _ in entry.values], np.int16),
        site=[""] * size,
        device_time=times,
        measured_at=times.copy(),
        received_at=np.full(size, entry.received_at, np.int64),
        value=np.array([value for _, value, _ in entry.values], np.float64),
        quality=np.full(size, int(Quality.MANUAL), np.uint16),
        keep=np.ones(size, np.bool_),
    )
    return [pack], columns
