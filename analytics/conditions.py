"""From slots to patients: a patient who wears two sensors for one vital has one condition, as bad as the worse sensor says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from analytics.changes import Change, What
from analytics.slots import Slots
from analytics.telling import Told

#: Patient, vital index, side.
Key = tuple[str, int, int]


class Conditions:
    """Which slots hold which condition of one detector. It follows from what is told, so it is rebuilt and never saved."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._levels: dict[Key, dict[int, int]] = {}
        self._doubts: dict[Key, set[int]] = {}

    def rebuild(self, told: Mapping[tuple[int, int, int], Told], number: int, doubts: int | None = None) -> None:
        """From what is told of the detector ``number``, and of the one of doubts."""
        self._levels, self._doubts = {}, {}
        for (slot, detector, side), each in told.items():
            if detector == number:
                self._levels.setdefault(self.key(slot, side), {})[slot] = each.level
            elif detector == doubts:
                self._doubts.setdefault(self.key(slot, side), set()).add(slot)

    def key(self, slot: int, side: int) -> Key:
        return self._slots.patient[slot], int(self._slots.vital[slot]), side

    def level(self, key: Key) -> int:
        """0 = no condition told, 1 = beyond the limit, 2 = beyond the severe limit."""
        return max(self._levels.get(key, {}).values(), default=0)

    def doubted(self, key: Key) -> bool:
        return bool(self._doubts.get(key))

    def holders(self, key: Key) -> list[int]:
        """The slots that hold the condition."""
        return list(self._levels.get(key, ()))

    def merge(self, change: Change) -> list[Change]:
        """What a slot's change means for the patient: none, one, or (a device taken off) two changes."""
        key = self.key(change.slot, change.side)
        match change.what:
            case What.PASSED:
                return [change]
            case What.DOUBTED | What.DOUBT_CONFIRMED | What.DOUBT_ENDED:
                return self._merge_doubt(key, change)
            case What.WITHDRAWN:
                doubted = self._merge_doubt(key, replace(change, what=What.DOUBT_ENDED))
                return self._merge_level(key, change, 0) + doubted
            case What.ENDED | What.CONTRADICTED:
                return self._merge_level(key, change, 0)
            case _:
                return self._merge_level(key, change, change.level)

    def _merge_level(self, key: Key, change: Change, level: int) -> list[Change]:
        before = self.level(key)
        holders = self._levels.setdefault(key, {})
        if level:
            holders[change.slot] = level
        else:
            holders.pop(change.slot, None)
        after = self.level(key)
        if not after:
            self._levels.pop(key, None)
        if after == before:
            return []
        if not after:
            return [change]
        what = What.BEGAN if not before else What.WORSE if after > before else What.EASED
        return [replace(change, what=what, level=after)]

    def _merge_doubt(self, key: Key, change: Change) -> list[Change]:
        holders = self._doubts.setdefault(key, set())
        before = bool(holders)
        if change.what is What.DOUBTED:
            holders.add(change.slot)
        elif change.what is What.DOUBT_CONFIRMED:
            holders.clear()
        else:
            holders.discard(change.slot)
        after = bool(holders)
        if not after:
            self._doubts.pop(key, None)
        return [change] if after != before else []
