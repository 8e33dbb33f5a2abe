"""Device to patient: who wore the device at the measured time. Values of a device that nobody wore are kept, to be claimed."""

from __future__ import annotations

import itertools

import numpy as np

from ingest.batch import Columns, Pack
from vigil.domain.errors import RefusalReason
from vigil.domain.people import Binding
from vigil.store import RecordStore


class Binder:
    """Keeps the bindings in memory and reads them again when the records changed."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._revision = -1
        self._known: set[str] = set()
        self._bindings: dict[str, list[Binding]] = {}

    def refresh(self) -> None:
        revision = self._records.revision()
        if revision == self._revision:
            return
        bindings: dict[str, list[Binding]] = {}
        for binding in self._records.bindings():
            bindings.setdefault(binding.device_id, []).append(binding)
        self._known = {device.device_id for device in self._records.devices()}
        self._bindings = bindings
        self._revision = revision

    def check_devices(self, packs: list[Pack]) -> None:
        """Refuses packs of devices that nobody registered."""
        for pack in packs:
            if pack.refusal is None and pack.device_id not in self._known:
                pack.refuse(RefusalReason.UNKNOWN_DEVICE)

    def wearer(self, device_id: str, at: int) -> str | None:
        """The patient who wore the device at that measured time."""
        covering = (one for one in self._bindings.get(device_id, ()) if one.covers(at))
        return next((one.patient_id for one in covering), None)

    def worn(self, patient_id: str) -> list[Binding]:
        """What the patient wears and wore."""
        return [one for bindings in self._bindings.values() for one in bindings if one.patient_id == patient_id]

    def unbound(self, packs: list[Pack], columns: Columns) -> int:
        """How many of the values to be kept were measured while the device was nobody's: stored, judged for nobody."""
        bound = np.zeros(len(columns), np.bool_)
        starts = np.flatnonzero(np.diff(columns.pack, prepend=-1)).tolist()
        for start, end in itertools.pairwise([*starts, len(columns)]):
            times = columns.measured_at[start:end]
            for binding in self._bindings.get(packs[columns.pack[start]].device_id, ()):
                inside = times >= binding.start
                if binding.end is not None:
                    inside &= times < binding.end
                bound[start:end] |= inside
        return int(np.count_nonzero(~bound & columns.keep))
