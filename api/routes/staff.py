"""What the people who log in are called."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Reader, Right
from api.context import Here, Seen
from api.schema.alerts import PeopleList
from api.shape import Json
from api.staff import staff

router = APIRouter(prefix="/api/v1/staff", tags=["teams"])


@router.get("", response_model=PeopleList, summary="By the name to log in with, the name that others see")
def people(who: Reader, here: Here, seen: Seen) -> Json:
    """Empty for a role that sees no names, and where nobody has an account yet."""
    found = staff(here, seen) if who.may(Right.NAMES) else {}
    return {"items": [{"id": one, "name": name} for one, name in found.items()]}
