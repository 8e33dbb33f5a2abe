"""How to reach a patient and the next of kin, and how far treatment is to go: what the nurse needs while she holds the phone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

from vigil.domain.errors import InvalidInput

#: Characters of each text (ours).
LONGEST = {"phone": 40, "address": 300, "kin_name": 200, "kin_relation": 100, "kin_phone": 40, "ceiling": 500}
_DECIDED = "ceiling: who decided it and when belong to it, and all three are given or none"


@dataclass(frozen=True, slots=True)
class Contacts:
    """Every text names or leads to a person; empty = not known. ``kin_*``: the next of kin.

    ``ceiling``: the ceiling of care in words, decided by ``ceiling_by`` on the day ``ceiling_on``; all three or none of them.
    """

    phone: str = ""
    address: str = ""
    kin_name: str = ""
    kin_relation: str = ""
    kin_phone: str = ""
    ceiling: str = ""
    ceiling_by: str = ""
    ceiling_on: date | None = None

    def checked(self, today: date) -> Contacts:
        """Without spaces around its texts. Raises ``InvalidInput``: too long, or a ceiling that nobody or the future decided."""
        texts = {one.name: getattr(self, one.name).strip() for one in fields(self) if one.name != "ceiling_on"}
        for name, text in texts.items():
            most = LONGEST.get(name, LONGEST["kin_name"])
            if len(text) > most:
                raise InvalidInput(f"{name}: at most {most} characters")
        if len({bool(texts["ceiling"]), bool(texts["ceiling_by"]), self.ceiling_on is not None}) > 1:
            raise InvalidInput(_DECIDED)
        if self.ceiling_on is not None and self.ceiling_on > today:
            raise InvalidInput("ceiling_on: lies in the future")
        return Contacts(**texts, ceiling_on=self.ceiling_on)


@dataclass(frozen=True, slots=True)
class ContactsVersion:
    """``number`` counts from 1 for each patient. ``at``: server time, microseconds UTC."""

    patient_id: str
    contacts: Contacts
    author: str
    at: int
    number: int = 0
