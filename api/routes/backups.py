"""A consistent copy of the databases, made by the process that holds them; ``vigil backup`` asks for it and packs it."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from api.auth import Right, may
from api.context import Here
from api.schema.backups import CopyMade
from api.shape import Json, iso
from vigil.domain.errors import NotFound

router = APIRouter(prefix="/api/v1/backups", tags=["health"])


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=CopyMade,
    summary="Copy the databases, as of one moment, into a folder of the data directory; an older copy there is replaced",
    dependencies=[may(Right.BACKUP)],
)
def copy(here: Here) -> Json:
    if here.deps.copy is None:
        raise NotFound("nothing can be copied here")
    made = here.deps.copy()
    return {
        "folder": made.folder.name,
        "cut_at": iso(made.cut_at),
        "pause_s": made.pause_s,
        "readings": {name: {"rows": one.rows, "digest": one.digest} for name, one in made.readings.items()},
    }
