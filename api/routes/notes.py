"""Notes on a patient and on an alert; nothing is deleted, what is taken back is struck."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Actor, Reader, Right
from api.bedside import note
from api.context import Here
from api.schema.base import Identifier
from api.schema.bedside import NewNote, NoteList, NoteOut
from api.shape import Json
from vigil.domain.notes import Note

router = APIRouter(prefix="/api/v1/patients/{patient_id}/notes", tags=["patients"])


@router.get("", response_model=NoteList, summary="Notes, newest first, struck ones too")
def notes(
    patient_id: str,
    who: Reader,
    here: Here,
    alert: Annotated[Identifier | None, Query(description="only those about this alert")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    found = here.deps.records.notes.of_patient(patient_id, alert_id=alert, limit=limit)
    return {"items": [note(one, who.may(Right.NAMES)) for one in found]}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=NoteOut,
    summary="Write a note, or say what was done; the same again within a minute is the same note",
)
def write(patient_id: str, body: NewNote, who: Actor, here: Here) -> Json:
    given = Note(patient_id, body.kind, body.text, who.name, here.deps.clock.now_us(), body.alert_id or "")
    return note(here.deps.records.notes.add(given), who.may(Right.NAMES))


@router.post("/{note_id}/strike", response_model=NoteOut, summary="Take back what I wrote: it stays, struck")
def strike(patient_id: str, note_id: int, who: Actor, here: Here) -> Json:
    struck = here.deps.records.notes.strike(patient_id, note_id, who.name, here.deps.clock.now_us())
    return note(struck, who.may(Right.NAMES))
