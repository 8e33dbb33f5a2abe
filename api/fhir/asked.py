"""Who asks, how, and what the FHIR routes of one app share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from fastapi import FastAPI

from api.auth import Principal
from api.care import View
from api.context import Context
from api.deps import ApiDeps
from api.fhir.cursor import Cursors


@dataclass(frozen=True, slots=True)
class Fhir:
    """``creating``: one creation at a time, or the same sent twice at once would be stored twice."""

    cursors: Cursors
    creating: threading.Lock = field(default_factory=threading.Lock)


def fhir_for(deps: ApiDeps) -> Fhir:
    return Fhir(Cursors(deps.token_key))


def fhir_of(app: FastAPI) -> Fhir:
    found = app.state.fhir
    assert isinstance(found, Fhir)
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """``base``: address of ``/fhir/R4`` as the client wrote it; ``strict``: ``Prefer: handling=strict``."""

    here: Context
    fhir: Fhir
    who: Principal
    seen: View
    base: str
    strict: bool

    @property
    def now(self) -> int:
        """Microseconds UTC."""
        return self.here.deps.clock.now_us()
