"""Which findings a search for Observations wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.fhir.codes import CATEGORY, FAMILIES, OBSERVATION_STATUS, Family, quantity
from api.fhir.findings import Finding
from api.fhir.ids import fhir_id
from api.fhir.numbers import number_test
from api.fhir.observation import status
from api.fhir.query import Query, dates_hold, outer_bounds, token_test

#: Rows of the store that one page looks at; it then ends early and has a ``next`` (ours).
MOST_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """``holds`` decides on one finding; the others bound where to look."""

    families: tuple[Family, ...]
    start: int
    end: int
    holds: Callable[[Finding], bool]


def wanted(query: Query) -> Wanted:
    """Raises ``Problem``."""
    families = tuple(one for one in FAMILIES if _family_test(query)(one))
    dates, updated = query.dates("date"), query.dates("_lastUpdated")
    start, end = outer_bounds(dates)
    devices = query.references("Device", "device")
    states = token_test(query.given("status"))
    values = [[number_test(text) for text in either] for either in query.given("value-quantity")]

    def holds(found: Finding) -> bool:
        return (
            found.family in families
            and dates_hold(dates, _shown(found.at))
            and dates_hold(updated, _shown(found.updated))
            and (devices is None or _device(found) in devices)
            and states([(OBSERVATION_STATUS, status(found))])
            and all(any(test(_quantity(found)) for test in either) for either in values)
        )

    return Wanted(families, start, end, holds)


def _shown(at: int) -> int:
    """The time as it is sent, to the millisecond: what a client was told is what it can ask for."""
    return at - at % 1000


def _family_test(query: Query) -> Callable[[Family], bool]:
    code, part = token_test(query.given("code")), token_test(query.given("component-code"))
    combo, category = token_test(query.given("combo-code")), token_test(query.given("category"))

    def holds(family: Family) -> bool:
        return (
            code(family.codes)
            and part(family.parts)
            and combo(family.codes | family.parts)
            and category([(CATEGORY, family.category)])
        )

    return holds


def _device(found: Finding) -> str | None:
    return fhir_id(found.readings[0].stream.device_id) if found.readings else None


def _quantity(found: Finding) -> tuple[float, str, str] | None:
    """Value, UCUM code and shown unit; None where the Observation has no quantity of its own."""
    if len(found.readings) != 1 or found.family.parts or found.readings[0].kind.codes:
        return None
    shown = quantity(found.readings[0].kind, found.readings[0].value)
    return shown.value, shown.code, shown.unit
