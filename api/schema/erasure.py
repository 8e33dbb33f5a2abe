"""Erasure of a person."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schema.base import Model, Moment, example
from vigil.domain.audit import LONGEST_REASON


class Erase(Model):
    """``reason`` stands in the audit log for ever: do not write the name into it."""

    model_config = example(reason="asked for by the person, letter 2026/114")

    reason: Annotated[str, Field(min_length=10, max_length=LONGEST_REASON)]


class ErasureOut(Model):
    """``by``: who did it, as in the audit log, where the reason is."""

    patient_id: str
    at: Moment
    by: str


class ErasureList(Model):
    items: list[ErasureOut]
