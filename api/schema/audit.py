"""The audit log as auditors read it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schema.base import Model, Moment
from vigil.domain.audit import Step

#: 64 letters and digits, unless somebody has changed it.
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]*$", examples=["9f" * 32])]


class AuditEntry(Model):
    """``status`` is null before the answer. ``patient_id`` is null where it is about nobody, ``*`` where everybody may have been
    shown. ``reason`` is null where there is none, and where it may hold a name that this role may not see."""

    number: int
    at: Moment
    step: Step
    request: str
    who: str
    role: str
    address: str
    method: str
    route: str
    objects: dict[str, str]
    patient_id: str | None
    reason: str | None
    status: int | None
    times: int
    hash: Hash


class AuditHead(Model):
    """The last entry: note its hash elsewhere, and ``vigil audit verify --expect`` will find a log that was made anew."""

    number: int
    hash: Hash


class AuditPage(Model):
    """``next``: ``before`` of the next page, null on the last one."""

    items: list[AuditEntry]
    next: int | None
    head: AuditHead
