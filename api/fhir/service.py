"""One question under ``/fhir/R4`` from its parameters to the resource or the Bundle that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from api.fhir import audit_events, observations
from api.fhir.asked import Asked
from api.fhir.chart import Chart
from api.fhir.cursor import Place
from api.fhir.entries import Page, paged
from api.fhir.ids import is_id
from api.fhir.lookup import by_id
from api.fhir.observation import observation
from api.fhir.parameters import SEARCHES, SORTS
from api.fhir.query import CURSOR, Pairs, Query, parse
from api.fhir.resources import Resource
from api.fhir.searches import SEARCH
from vigil.domain.errors import NotFound

Json = dict[str, Any]

_TARGETS = {"o": "Observation", "k": "RiskAssessment"}


def read(asked: Asked, kind: str, name: str) -> Resource:
    """Raises ``NotFound``: also for what this person may not know of."""
    if not is_id(name):
        raise NotFound(f"no such {kind}")
    chart = Chart(asked.here, asked.seen)
    if kind == "Observation":
        finding = by_id(chart, name)
        if finding is not None:
            return observation(finding)
        raise NotFound("no such Observation; $why tells why a stored reading is none")
    pair = ("_id", name)
    if kind == "Provenance":
        letter, _, target = name.partition("-")
        pair = ("target", f"{_TARGETS.get(letter, '')}/{target}")
    query = Query((pair,), 1, False, None, (), asked.now)
    for entry in SEARCH[kind](chart, asked.who, query):
        return entry.make()
    raise NotFound(f"no such {kind}")


def search(asked: Asked, kind: str, pairs: Pairs) -> Json:
    """A page of a search. Raises ``Problem``."""
    query = parse(pairs, SEARCHES[kind], asked.now, strict=asked.strict, sort=SORTS.get(kind, ""))
    place = place_of(asked, kind, query)
    chart = Chart(asked.here, asked.seen)
    if kind == "Observation":
        page = observations.page(chart, query, place.after or None, place.head)
    elif kind == "AuditEvent":
        page = audit_events.page(chart, asked.who, query, place.after or None)
    else:
        page = paged(SEARCH[kind](chart, asked.who, query), place.after or None, query.count, query.total)
    return bundle(asked, kind, query, page, place.head)


def place_of(asked: Asked, path: str, query: Query) -> Place:
    """Where the page that is asked for begins. Raises ``Problem`` for a link that is not ours or too old."""
    if query.cursor is None:
        return Place((), asked.here.deps.readings.head())
    return asked.fhir.cursors.place(query.cursor, _search(path, query), asked.now)


def _search(path: str, query: Query) -> str:
    return f"{path}?{urlencode(query.used)}" if query.used else path


def bundle(asked: Asked, path: str, query: Query, page: Page, head: int) -> Json:
    """The Bundle of a page. ``self`` shows what was used; ``next`` is to be followed as it is."""
    here = f"{asked.base}/{_search(path, query)}"
    links = [{"relation": "self", "url": here}]
    if page.after is not None:
        word = asked.fhir.cursors.word(Place(page.after, head), _search(path, query), asked.now)
        joint = "&" if query.used else "?"
        links.append({"relation": "next", "url": f"{here}{joint}{CURSOR}={word}"})
    made: Json = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if page.total is not None:
        made["total"] = page.total
    if page.resources:
        made["entry"] = entries(asked.base, page.resources)
    return made


def entries(base: str, resources: Sequence[Resource]) -> list[Json]:
    return [
        {
            "fullUrl": f"{base}/{one.resource_type}/{one.id}",
            "resource": one.document(),
            "search": {"mode": "match"},
        }
        for one in resources
    ]
