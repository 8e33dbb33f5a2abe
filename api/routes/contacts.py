"""How to reach a patient and the next of kin, and the ceiling of care."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter

from api.auth import Actor, Reader, Right
from api.bedside import contacts
from api.context import Here
from api.schema.bedside import ContactsIn, ContactsOut
from api.schema.session import problem
from api.shape import Json
from vigil.domain.contacts import Contacts, ContactsVersion
from vigil.domain.times import SECOND

router = APIRouter(prefix="/api/v1/patients/{patient_id}/contacts", tags=["patients"])


@router.get("", response_model=ContactsOut, summary="Telephone, address, next of kin, ceiling of care")
def read(patient_id: str, who: Reader, here: Here) -> Json:
    found = here.deps.records.contacts.of_patient(patient_id)
    return contacts(found[0] if found else None, who.may(Right.NAMES))


@router.put(
    "",
    response_model=ContactsOut,
    responses={409: problem("somebody else has changed them: read them again")},
    summary="Replace them all; earlier versions are kept",
)
def write(patient_id: str, body: ContactsIn, who: Actor, here: Here) -> Json:
    now = here.deps.clock.now_us()
    kin, ceiling = body.next_of_kin, body.ceiling
    decided = (ceiling.text, ceiling.by, ceiling.on) if ceiling is not None else ("", "", None)
    given = Contacts(body.phone, body.address, kin.name, kin.relation, kin.phone, *decided)
    checked = given.checked(datetime.fromtimestamp(now / SECOND, UTC).date())
    kept = here.deps.records.contacts.put(ContactsVersion(patient_id, checked, who.name, now), body.after)
    return contacts(kept, who.may(Right.NAMES))
