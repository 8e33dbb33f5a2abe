"""What people keep with a patient: notes, contacts, planned pauses of monitoring."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from api.schema.base import Identifier, Model, Moment, Whole, Words, example
from vigil.domain.audit import LONGEST_REASON
from vigil.domain.contacts import LONGEST
from vigil.domain.notes import NoteKind
from vigil.domain.pauses import LONGEST_PAUSE
from vigil.domain.times import MINUTE

Name = Annotated[str, Field(max_length=LONGEST["kin_name"])]


class NewNote(Model):
    """``text`` may be empty for what was done: ``called``, ``no_answer``, ``sent_help``. ``alert_id`` null: about the patient."""

    model_config = example(kind="called", text="sits in the garden, feels well", alert_id="a-3f9c")

    kind: NoteKind = NoteKind.NOTE
    text: Words = ""
    alert_id: Identifier | None = None


class NoteOut(Model):
    """``text`` is empty for a role that may not see names. ``struck_at`` null: it stands."""

    id: int
    kind: NoteKind
    text: str
    author: str
    at: Moment
    alert_id: str | None
    struck_by: str
    struck_at: Moment | None


class NoteList(Model):
    items: list[NoteOut]


_KIN: dict[str, Any] = {"name": "Li Na", "relation": "daughter", "phone": "+49 30 222"}
_CEILING: dict[str, Any] = {"text": "ward level, no intensive care", "by": "Dr Wang", "on": "2026-01-01"}
_CONTACTS: dict[str, Any] = {
    "phone": "+49 30 111",
    "address": "Lindenweg 3, 2nd floor",
    "next_of_kin": _KIN,
    "ceiling": _CEILING,
}


class NextOfKin(Model):
    model_config = example(**_KIN)

    name: Name = ""
    relation: Annotated[str, Field(max_length=LONGEST["kin_relation"])] = ""
    phone: Annotated[str, Field(max_length=LONGEST["kin_phone"])] = ""


class Ceiling(Model):
    """How far treatment is to go, who decided it, and on which day."""

    model_config = example(**_CEILING)

    text: Annotated[str, Field(min_length=1, max_length=LONGEST["ceiling"])]
    by: Annotated[str, Field(min_length=1, max_length=LONGEST["kin_name"])]
    on: date


class ContactsIn(Model):
    """All of it, as it is to be from now on. ``after``: the version that was read, 0 = there was none."""

    model_config = example(after=0, **_CONTACTS)

    after: Annotated[Whole, Field(ge=0)]
    phone: Annotated[str, Field(max_length=LONGEST["phone"])] = ""
    address: Annotated[str, Field(max_length=LONGEST["address"])] = ""
    next_of_kin: NextOfKin = NextOfKin()
    ceiling: Ceiling | None = None


class ContactsOut(Model):
    """Everything is empty for a role that may not see names, and ``version`` 0 where nobody has written anything."""

    version: int
    author: str
    at: Moment | None
    phone: str
    address: str
    next_of_kin: NextOfKin
    ceiling: Ceiling | None


class NewPause(Model):
    """From now on, for so many minutes."""

    model_config = example(minutes=90, reason="dialysis")

    minutes: Annotated[Whole, Field(ge=1, le=LONGEST_PAUSE // MINUTE)]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class PauseOut(Model):
    """``reason`` is empty for a role that may not see names. ``ended_at`` null: nobody ended it before its time."""

    id: int
    start_at: Moment
    end_at: Moment
    running: bool
    reason: str
    by: str
    ended_at: Moment | None
    ended_by: str


class PauseList(Model):
    items: list[PauseOut]
