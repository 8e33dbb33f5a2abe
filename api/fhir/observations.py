"""Searches for Observations: which findings are wanted, and pages of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus

from api.errors import Problem
from api.fhir import arrivals
from api.fhir.chart import Chart
from api.fhir.entries import Key, Page
from api.fhir.findings import Finding, looks, sources
from api.fhir.ids import fhir_id
from api.fhir.lookup import by_id, by_identifier
from api.fhir.observation import observation
from api.fhir.query import Query, refused
from api.fhir.wanted import MOST_ROWS, Wanted, wanted
from vigil.domain.people import Patient

#: Readings that one count goes through (ours).
MOST_COUNTED = 200_000
#: People in one search (ours).
MOST_PEOPLE = 20


def people(chart: Chart, query: Query) -> list[Patient]:
    """Whose Observations are asked for: the subjects, or who ever wore the device. Raises ``Problem``."""
    asked = query.references("Patient", "patient", "subject")
    devices = query.references("Device", "device")
    if asked is None and devices is None:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "say whose: patient, subject, device, _id, identifier or _lastUpdated is needed",
            {"code": "required"},
        )
    if asked is None:
        own = {one.device_id for fid, one in chart.devices.items() if devices is not None and fid in devices}
        asked = {fhir_id(one.patient_id) for one in chart.bindings if one.device_id in own}
    if len(asked) > MOST_PEOPLE:
        raise refused("patient", f"at most {MOST_PEOPLE} people in one search")
    found = [chart.patient(one) for one in sorted(asked)]
    return [one for one in found if one is not None]


def page(chart: Chart, query: Query, after: Key | None, head: int) -> Page:
    """``after``: the key of the last finding that the client has. Raises ``Problem``."""
    want = wanted(query)
    named = _named(chart, query)
    if named is not None:
        kept = [one for one in named if want.holds(one)]
        left = [one for one in kept if after is None or one.key < after]
        taken = left[: query.count]
        more = taken[-1].key if taken and len(left) > len(taken) else None
        return Page([observation(one) for one in taken], more, len(kept) if query.total else None)
    if not query.given("patient", "subject", "device") and query.given("_lastUpdated"):
        if query.total:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "say whose to have them counted", {"code": "too-costly"})
        return arrivals.page(chart, query, want, after, head)
    whose = people(chart, query)
    total = _total(chart, want, whose, head) if query.total else None
    if query.count == 0:
        return Page([], None, total)
    taken, more = _take(chart, want, whose, after, head, query.count)
    return Page([observation(one) for one in taken], more, total)


def _named(chart: Chart, query: Query) -> list[Finding] | None:
    """By ``_id`` or ``identifier``, newest first; None when neither was given."""
    ids = [[by_id(chart, value) for value in values] for values in query.given("_id")]
    own = [[one for value in values for one in by_identifier(chart, value)] for values in query.given("identifier")]
    either: list[list[Finding]] = [[one for one in found if one is not None] for found in ids] + own
    if not either:
        return None
    same = set.intersection(*({one.finding_id for one in found} for found in either))
    subjects = query.references("Patient", "patient", "subject")
    kept = {one.finding_id: one for one in either[0] if one.finding_id in same}
    about = [one for one in kept.values() if subjects is None or fhir_id(one.patient.patient_id) in subjects]
    return sorted(about, key=lambda one: one.key, reverse=True)


def _take(
    chart: Chart, want: Wanted, whose: Sequence[Patient], after: Key | None, head: int, count: int
) -> tuple[list[Finding], Key | None]:
    # A page that ended early ends between two instants: its tie is below all.
    end = want.end if after is None else min(want.end, after[0] + (after[1] >= 0))
    found: list[Finding] = []
    seen = 0
    for fresh, edge, rows in looks(sources(chart, whose, want.families, head), want.start, end):
        found += [one for one in fresh if (after is None or one.key < after) and want.holds(one)]
        seen += rows
        if len(found) > count:
            return found[:count], found[count - 1].key
        if seen > MOST_ROWS and want.start < edge < end:
            return found, (edge, -1, "")
    return found, None


def newest(chart: Chart, want: Wanted, whose: Sequence[Patient], head: int) -> Iterator[Finding]:
    for fresh, _, _ in looks(sources(chart, whose, want.families, head), want.start, want.end):
        yield from (one for one in fresh if want.holds(one))


def _total(chart: Chart, want: Wanted, whose: Sequence[Patient], head: int) -> int:
    total = seen = 0
    for fresh, _, rows in looks(sources(chart, whose, want.families, head), want.start, want.end):
        total += sum(want.holds(one) for one in fresh)
        seen += rows
        if seen > MOST_COUNTED:
            detail = f"more than {MOST_COUNTED} readings to count: narrow the search by date or code"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, {"code": "too-costly"})
    return total
