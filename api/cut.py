"""Cuts one second's changes into what each circle of clients may see; each patient is looked at once, however many they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from api.care import Reach
from api.shape import Json


class _Split:
    """Patients by ward, each with its place."""

    def __init__(self, patients: Iterable[str], wards: Mapping[str, str]) -> None:
        self._places = {patient_id: place for place, patient_id in enumerate(patients)}
        self._own: dict[str, list[str]] = {}
        for one in self._places:
            self._own.setdefault(wards.get(one, ""), []).append(one)

    def of(self, reach: Reach) -> list[str]:
        """In order."""
        found = {one for one in reach.opened if one in self._places}
        for ward in reach.wards or ():
            found.update(self._own.get(ward, ()))
        return sorted(found, key=self._places.__getitem__)


def cut(
    tick: Json, before: Sequence[str], wards: Mapping[str, str], reaches: Collection[Reach]
) -> dict[Reach, Json | None]:
    """``tick``: the data of everybody's tick; ``before``: the order in the tick before; ``wards``: of every patient.

    None: nothing of it is theirs to see. That others changed is not told either, nor that they changed places.
    """
    found: dict[Reach, Json | None] = {one: tick for one in reaches if one.everybody}
    limited = [one for one in reaches if not one.everybody]
    if not limited:
        return found
    patients, order = tick["patients"], tick.get("order")
    changed = _Split(patients, wards)
    now, then = _Split(order or (), wards), _Split(before if order is not None else (), wards)
    for reach in limited:
        own = {**tick, "patients": {one: patients[one] for one in changed.of(reach)}}
        moved = now.of(reach)
        if moved != then.of(reach):
            own["order"] = moved
        else:
            own.pop("order", None)
        found[reach] = own if own["patients"] or "order" in own else None
    return found
