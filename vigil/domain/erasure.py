"""Erasure of a person: the name and the date of birth are destroyed, what was measured stays under an id that leads to nobody.

The list of who was erased is kept where the backups are, because a backup from before still has the names: it is applied when one
is restored. It holds opaque ids only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from vigil.domain.errors import InvalidInput
from vigil.domain.people import Patient
from vigil.domain.times import DAY, HOUR

UNDER_WATCH = "the patient is under watch: discharge first"
#: Readings that come so late are still judged, and what is judged is written with the alert as it was: microseconds.
SETTLED_AFTER = DAY


@dataclass(frozen=True, slots=True)
class Erasure:
    """``at``: server time, microseconds UTC. ``by``: who did it. Why stands in the audit log: it may hold a name."""

    patient_id: str
    at: int
    by: str


def require_settled(patient: Patient, now: int) -> None:
    """Raises ``InvalidInput`` while something may still happen to an alert of the patient."""
    if patient.discharged_at is None:
        raise InvalidInput(UNDER_WATCH)
    if now < patient.discharged_at + SETTLED_AFTER:
        hours = SETTLED_AFTER // HOUR
        raise InvalidInput(
            f"the patient was discharged less than {hours} h ago, and late readings may still come: wait"
        )


def written(erasures: Iterable[Erasure]) -> str:
    """A line each."""
    return "".join(json.dumps(asdict(one)) + "\n" for one in erasures)


def read(text: str) -> list[Erasure]:
    """Raises ``InvalidInput`` with the number of the line: an erasure that is overlooked brings a name back.

    >>> read(written([Erasure("p-1", 5, "Li")]))
    [Erasure(patient_id='p-1', at=5, by='Li')]
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            one = Erasure(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"line {number} of the list of erasures cannot be read") from error
        if not (isinstance(one.patient_id, str) and type(one.at) is int and isinstance(one.by, str)):
            raise InvalidInput(f"line {number} of the list of erasures cannot be read")
        found.append(one)
    return found
