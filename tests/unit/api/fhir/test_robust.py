"""Whatever is asked or sent: an answer in FHIR's form, and never a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.fhir.outcome import MEDIA_TYPE
from api.fhir.parameters import OPERATIONS, RESULT, SEARCHES
from tests.unit.api.fhir.ask import BASE, create, entered
from tests.unit.api.fhir.test_search import charted
from tests.unit.api.site import START, Site, open_site
from vigil.domain.times import to_iso

REFUSED = {400, 403, 404, 406, 410, 413, 422}
NAMES = [
    *sorted({one.name for rows in (*SEARCHES.values(), *OPERATIONS.values(), RESULT) for one in rows}),
    "_cursor",
    "x",
]
VALUES = st.one_of(
    st.sampled_from(
        ["p-1", "Patient/p-1", "r1", "p7", "2026", "ge2026-01-01T00:00:00Z", "8867-4", "http://loinc.org|", "|", ",", "\\",
         "\\,", "9999", "ap0001", "-1", "0", "1e9", "99999999999999999999", "le-5|||", "count", "json", "n1.", "%00", "a\nb"]
    ),
    st.text(max_size=12),
)  # fmt: skip
PATHS = [
    *SEARCHES,
    "Observation/$lastn",
    "Observation/$why",
    "Patient/p-1/$everything",
    "Patient/p-1",
    "Observation/r1",
]


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened = charted(open_site(tmp_path_factory.mktemp("still")))
    opened.raise_alert("p-1")
    yield opened
    opened.close()


quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(path=st.sampled_from(PATHS), pairs=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=4))
def test_any_search(still: Site, path: str, pairs: list[tuple[str, str]]) -> None:
    answer = still.get(BASE + path, params=pairs)
    assert answer.status_code == 200 or answer.status_code in REFUSED, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    kinds = {"Bundle", "OperationOutcome"} if answer.status_code == 200 else {"OperationOutcome"}
    assert answer.json()["resourceType"] in kinds or "/" in path


@quick
@given(
    kind=st.sampled_from(sorted(SEARCHES)),
    name=st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=70),
)
def test_any_id(still: Site, kind: str, name: str) -> None:
    answer = still.get(f"{BASE}{kind}/{quote(name, safe='')}")
    assert answer.status_code in (200, *REFUSED)
    assert answer.json()["resourceType"] in (kind, "Bundle", "OperationOutcome")


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    ("status",), ("code",), ("code", "coding"), ("code", "coding", 0), ("code", "coding", 0, "code"), ("subject",),
    ("subject", "reference"), ("effectiveDateTime",), ("valueQuantity",), ("valueQuantity", "value"),
    ("valueQuantity", "code"), ("component",), ("resourceType",), ("valueCodeableConcept",),
]  # fmt: skip


@quick
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_any_resource(still: Site, place: tuple[str | int, ...], value: Any) -> None:
    """One place of a good one replaced by anything."""
    body: Any = entered("8310-5", 38.4, "Cel", to_iso(START + 60_000_000))
    holder = body
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    answer = create(still, body)
    assert answer.status_code in (200, 201, 400, 422), answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
