"""Searches: parameters, strict and lenient, and pages that do not move while data arrive."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from api.care import WHOLE
from api.fhir import arrivals, findings, observations
from api.fhir.chart import Chart
from api.fhir.parameters import SEARCHES
from tests.unit.api.fhir.ask import BASE, SECOND, ask, found, ids, issue, link, next_page, refused, walked
from tests.unit.api.site import START, Site, open_site
from vigil.domain.quality import Quality
from vigil.domain.readings import ReadingBatch
from vigil.domain.scores import Band, Score, ScoreStatus


def charted(site: Site) -> Site:
    """r1..r3 heart rate, r4..r6 SpO2, one second apart; p7 a blood pressure with the last."""
    site.admit("p-1", "w-1")
    site.admit("p-2", "w-2")
    site.clock.advance(100)
    site.store("w-1", "heart_rate", [70, 71, 72], start=START + SECOND)
    site.store("w-1", "spo2", [97, 96, 95], start=START + SECOND)
    site.store("w-1", "bp_sys", [120], start=START + 3 * SECOND)
    site.store("w-1", "bp_dia", [80], start=START + 3 * SECOND)
    site.store("w-2", "spo2", [90], start=START + 2 * SECOND)
    return site


@pytest.fixture
def chart(site: Site) -> Site:
    return charted(site)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One chart for all questions that change nothing."""
    opened = charted(open_site(tmp_path_factory.mktemp("still")))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("question", "want"),
    [
        ("patient=p-1", "p7 r6 r3 r5 r2 r4 r1"),
        ("patient=Patient/p-1", "p7 r6 r3 r5 r2 r4 r1"),
        ("subject:Patient=p-1&category=vital-signs", "p7 r6 r3 r5 r2 r4 r1"),
        ("subject=http://vigil/fhir/R4/Patient/p-2", "r9"),
        ("patient=p-1,p-2&code=2708-6", "r6 r9 r5 r4"),
        ("patient=p-1&patient=p-2", ""),
        ("patient=p-1&subject=p-2", ""),
        ("patient=p-9", ""),
        ("patient=p-1&category=laboratory", ""),
        ("patient=p-1&category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs&code=8867-4", "r3 r2 r1"),
        ("patient=p-1&code=http://loinc.org|59408-5", "r6 r5 r4"),
        ("patient=p-1&code=http://snomed.info/sct|59408-5", ""),
        ("patient=p-1&code=http://loinc.org|", "p7 r6 r3 r5 r2 r4 r1"),
        ("patient=p-1&code=|8867-4", ""),
        ("patient=p-1&code=85354-9,8867-4", "p7 r3 r2 r1"),
        ("patient=p-1&code=8480-6", ""),
        ("patient=p-1&component-code=8480-6", "p7"),
        ("patient=p-1&combo-code=8480-6,8867-4", "p7 r3 r2 r1"),
        ("patient=p-1&code=8867-4&date=2026-01-01T00:00:02Z", "r2"),
        ("patient=p-1&code=8867-4&date=ge2026-01-01T00:00:02Z&date=lt2026-01-01T00:00:03Z", "r2"),
        ("patient=p-1&code=8867-4&date=gt2026-01-01T00:00:02Z", "r3"),
        ("patient=p-1&code=8867-4&date=ne2026-01-01T01:00:02%2B01:00", "r3 r1"),
        ("patient=p-1&code=8867-4&date=2025,2026-01-01T00:00:01Z", "r1"),
        ("patient=p-1&code=8867-4&date=2026", "r3 r2 r1"),
        ("patient=p-1&code=8867-4&date=lt2026", ""),
        ("patient=p-1&code=8867-4&_lastUpdated=gt2026-01-01T00:00:02.120Z", "r3"),
        ("patient=p-1&code=8867-4&_lastUpdated=2026-01-01T00:00:02.120Z", "r2"),
        ("device=Device/w-2", "r9"),
        ("device=w-1&patient=p-2", ""),
        ("device=w-9", ""),
        ("patient=p-1&status=preliminary", ""),
        ("patient=p-1&status=final,amended&code=8867-4", "r3 r2 r1"),
        ("patient=p-1&value-quantity=lt96|http://unitsofmeasure.org|%25", "r6"),
        ("patient=p-1&value-quantity=96", "r5"),
        ("patient=p-1&value-quantity=96||/min", ""),
        ("patient=p-1&value-quantity=ge71&value-quantity=le96&code=8867-4,2708-6", "r6 r3 r5 r2"),
        ("_id=r3,r1,r99", "r3 r1"),
        ("_id=r3&patient=p-2", ""),
        ("_id=r3&code=2708-6", ""),
        (f"identifier=urn:vigil:reading|w-1:spo2:-:-:{START + SECOND}", "r4"),
        (f"identifier=w-1:sbp:-:-:{START + 3 * SECOND}", "p7"),
        (f"identifier=urn:other|w-1:spo2:-:-:{START + SECOND}", ""),
        ("identifier=nothing", ""),
    ],
)  # fmt: skip
def test_parameters_filter(still: Site, question: str, want: str) -> None:
    assert ids(ask(still, f"Observation?{question}")) == want.split()


def test_a_form_asks_the_same(still: Site) -> None:
    form = {"patient": "p-1", "code": "http://loinc.org|8867-4"}
    answer = still.call("POST", BASE + "Observation/_search", data=form)
    assert ids(answer.json()) == ["r3", "r2", "r1"]


@pytest.mark.parametrize(
    ("question", "code", "words"),
    [
        ("Observation?patient=p-1&_count=-1", "value", "_count"),
        ("Observation?patient=p-1&_count=x", "value", "_count"),
        ("Observation?patient=p-1&_count=1.5", "value", "_count"),
        ("Observation?patient=p-1&date=2026-02-30", "value", "no such date"),
        ("Observation?patient=p-1&date=xx2026", "value", "not a date"),
        ("Observation?patient=Device/p-1", "value", "reference to Patient"),
        ("Observation?patient=p%2F..%2F1", "value", "reference to Patient"),
        ("Observation?patient=p_1", "value", "not an id"),
        ("Observation?patient:missing=true", "value", "modifier"),
        ("Observation?patient=p-1&code:not=8867-4", "value", "modifier"),
        ("Observation?patient=p-1&value-quantity=high", "value", "number|system|code"),
        ("Observation?patient=p-1&_cursor=abc", "value", "_cursor"),
        ("Observation?patient=p-1&_cursor=é", "value", "_cursor"),
        ("Observation?category=vital-signs", "required", "say whose"),
        ("Observation?patient=" + ",".join(f"p-{n}" for n in range(21)), "value", "at most 20"),
        ("Observation?patient=p-1&code=" + "x," * 60, "value", "at most 50"),
        ("Observation?" + "code=x&" * 51, "value", "at most 50"),
        ("Communication?status=completed", "required", "say whose"),
        ("RiskAssessment?date=2026", "required", "say whose"),
        ("Provenance?", "required", "target"),
    ],
)
def test_what_means_nothing_is_refused_with_where(still: Site, question: str, code: str, words: str) -> None:
    first = refused(still, question, 400)
    assert first["code"] == code
    assert words in first["diagnostics"]


def test_an_unknown_parameter_is_left_out_of_self_or_refused_when_strict(still: Site) -> None:
    path = "Observation?patient=p-1&favourite=Marker-Family&code=8867-4&_sort=date"
    bundle = ask(still, path)
    assert ids(bundle) == ["r3", "r2", "r1"]
    assert link(bundle, "self") == "http://vigil/fhir/R4/Observation?patient=p-1&code=8867-4"
    for preferred in ("handling=strict", "return=minimal; handling=strict", "respond-async, handling=strict"):
        first = refused(still, path, 400, headers={"Prefer": preferred})
        assert first["diagnostics"] == "not understood: favourite, _sort"
    assert ask(still, path, headers={"Prefer": "handling=lenient"}) == bundle
    assert ask(still, "Observation?patient=p-1&_sort=-date&_format=json", headers={"Prefer": "handling=strict"})[
        "entry"
    ]


def test_only_json(still: Site) -> None:
    for path, accept in (("Observation/r1", "application/fhir+xml"), ("Observation/r1?_format=xml", "*/*")):
        assert refused(still, path, 406, headers={"Accept": accept})["code"] == "not-supported"
    for accept in ("application/fhir+json; fhirVersion=4.0", "application/json", "text/html, */*;q=0.1"):
        assert ask(still, "Observation/r1", headers={"Accept": accept})["id"] == "r1"


def test_a_total_where_it_is_asked_for(still: Site) -> None:
    assert "total" not in ask(still, "Observation?patient=p-1")
    for shape in ("_summary=count", "_count=0"):
        assert ask(still, f"Observation?patient=p-1&{shape}") == {
            "resourceType": "Bundle",
            "type": "searchset",
            "link": [{"relation": "self", "url": f"http://vigil/fhir/R4/Observation?patient=p-1&{shape}"}],
            "total": 7,
        }
    both = ask(still, "Observation?patient=p-1&_total=accurate&_count=2")
    assert (both["total"], len(both["entry"])) == (7, 2)
    assert ask(still, "Device?_summary=count")["total"] == 2
    assert ask(still, "Observation?_id=r1,r2&_summary=count")["total"] == 2


def test_pages_stay_while_data_arrive(chart: Site) -> None:
    whole = ids(ask(chart, "Observation?patient=p-1"))
    first = ask(chart, "Observation?patient=p-1&_count=3")
    # Late, in the middle of what is still to come; and newer than all.
    chart.store("w-1", "heart_rate", [60], start=START + SECOND + 500_000)
    chart.store("w-1", "heart_rate", [61], start=START + 50 * SECOND)
    second = next_page(chart, first)
    chart.store("w-1", "spo2", [88], start=START + 2 * SECOND)
    third = next_page(chart, second)
    assert link(third, "next") is None
    assert ids(first) + ids(second) + ids(third) == whole
    assert len(ids(ask(chart, "Observation?patient=p-1"))) == 10
    assert ids(next_page(chart, first)) == ids(second)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_every_size_of_page_gives_all_once(still: Site, count: int) -> None:
    pages = walked(still, f"Observation?patient=p-1&_count={count}")
    assert [one for page in pages for one in page] == ids(ask(still, "Observation?patient=p-1"))
    assert [len(page) for page in pages[:-1]] == [count] * (len(pages) - 1)


def test_looks_of_any_size_find_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many values of one instant, several devices and scores: nothing is lost where one look ends and the next begins."""
    rng = random.Random(7)
    site.admit("p-1", "w-1")
    site.records.put_device(site.records.devices()[0])
    site.clock.advance(100)
    for _ in range(60):
        at = START + rng.randrange(8) * SECOND
        site.store("w-1", rng.choice(["heart_rate", "spo2", "bp_sys", "bp_dia"]), [80.0], start=at)
    site.readings.append_scores(
        [
            Score("news2", "p-1", START + n * SECOND, ScoreStatus.COMPLETE, 0, 0, 0, Band.LOW, False, ())
            for n in range(8)
        ]
    )
    want = ids(ask(site, "Observation?patient=p-1"))
    assert len(want) == len(set(want)) > 30
    for look, rows in ((1, 50_000), (2, 10), (7, 1), (40, 5)):
        monkeypatch.setattr(findings, "LOOK", look)
        monkeypatch.setattr(observations, "MOST_ROWS", rows)
        pages = walked(site, "Observation?patient=p-1&_count=9")
        assert [one for page in pages for one in page] == want, (look, rows)
        assert ask(site, "Observation?patient=p-1&_summary=count")["total"] == len(want)


def test_everybodys_are_pulled_in_the_order_of_arrival(chart: Site) -> None:
    path = "Observation?_lastUpdated=ge2026-01-01T00:00:02"
    first = walked(chart, path + "&_count=2")
    # r1 and r4 came before; of the pressure the last part tells.
    assert [one for page in first for one in page] == ["r2", "r3", "r5", "r6", "p7", "r9"]
    bundle = ask(chart, path + "&_count=2")
    chart.store("w-1", "bp_mean", [93], start=START + 3 * SECOND)
    chart.store("w-2", "spo2", [91], start=START + SECOND, quality=Quality.MOTION)
    chart.store("w-2", "spo2", [92], start=START + 4 * SECOND)
    second = next_page(chart, bundle)
    assert ids(second) == ["r5", "r6"]
    assert ids(next_page(chart, second)) == ["p7", "r9"]
    assert ids(ask(chart, path)) == ["r2", "r3", "r5", "r6", "r9", "p7", "r12"]  # told again, with its new part
    assert ids(ask(chart, path + "&code=85354-9")) == ["p7"]
    assert ids(ask(chart, path + "&code=2708-6&date=2026-01-01T00:00:04Z")) == ["r12"]
    assert ids(ask(chart, "Observation?_lastUpdated=2025")) == []
    assert ids(ask(chart, "Observation?_lastUpdated=gt2027")) == []
    assert refused(chart, "Observation?_lastUpdated=2026&_summary=count", 422)["code"] == "too-costly"


def test_a_pull_begins_near_its_time_and_ends_behind_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.admit("p-1", "w-1")
    site.clock.advance(90_000)
    site.store("w-1", "spo2", [96.0] * 100, start=START, step_s=600)
    seen: list[int] = []
    after = site.readings.after

    def watched(at: int, limit: int) -> ReadingBatch:
        seen.append(limit)
        return after(at, limit)

    monkeypatch.setattr(site.readings, "after", watched)
    chart = Chart(site.context, WHOLE)
    for number in range(100):
        received = START + number * 600 * SECOND + 120_000
        assert arrivals.before(chart, received, 100) == number
    assert arrivals.before(chart, 0, 100) == 0
    assert arrivals.before(chart, START * 2, 100) == 100
    assert max(seen) == 1
    pulled = ids(ask(site, "Observation?_lastUpdated=ge2026-01-01T10:00:00Z&_lastUpdated=lt2026-01-01T12:00:00Z"))
    assert pulled == [f"r{n}" for n in range(61, 73)]


def test_too_much_to_count_is_refused_with_the_limit(chart: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "MOST_COUNTED", 3)
    first = refused(chart, "Observation?patient=p-1&_summary=count", 422)
    assert (first["code"], "more than 3" in first["diagnostics"]) == ("too-costly", True)


def test_a_page_link_fits_its_search_only_and_ends(chart: Site) -> None:
    url = link(ask(chart, "Observation?patient=p-1&_count=2"), "next")
    assert url is not None
    path = url.removeprefix("http://vigil/fhir/R4/")
    refused(chart, path.replace("patient=p-1", "patient=p-2"), 400)
    refused(chart, path.replace("Observation?", "Flag?"), 400)
    refused(chart, path[:-2] + ("AA" if not path.endswith("AA") else "BB"), 400)
    chart.clock.advance(24 * 3600 + 1)
    assert refused(chart, path, 410)["code"] == "expired"


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in SEARCHES
        if kind not in ("Provenance", "Communication", "RiskAssessment", "Observation", "AuditEvent")
    ],
)
def test_pages_of_lists_are_stable_too(site: Site, kind: str) -> None:
    for number in (1, 3, 5):
        site.admit(f"p-{number}", f"w-{number}")
        site.store(f"w-{number}", "spo2", [96])
        site.clock.advance(1)
        site.raise_alert(f"p-{number}")
    whole = ids(ask(site, kind))
    first = ask(site, f"{kind}?_count=1")
    site.admit("p-2", "w-2")
    site.admit("p-6", "w-6")
    site.store("w-6", "spo2", [96])
    site.clock.advance(1)
    site.raise_alert("p-6")
    rest: list[Any] = []
    page = first
    while link(page, "next") is not None:
        page = next_page(site, page)
        rest += ids(page)
    # Ids may sort a newcomer into what is still to come; nothing of before is lost or doubled.
    assert len(whole) == 3
    assert [one for one in (*ids(first), *rest) if one in whole] == whole
    assert len(set(rest)) == len(rest)


def test_errors_of_every_kind_are_operation_outcomes(still: Site) -> None:
    for method, path, status, code in (
        ("GET", "Nothing", 404, "not-found"),
        ("GET", "Patient/p-9", 404, "not-found"),
        ("GET", "Patient/self-test.up", 404, "not-found"),
        ("DELETE", "Observation/r1", 405, "not-supported"),
        ("PUT", "Observation/r1", 405, "not-supported"),
        ("POST", "", 422, "not-supported"),
    ):
        answer = still.call(method, BASE.rstrip("/") + (f"/{path}" if path else ""), json={})
        assert issue(answer, status)["code"] == code, path
    answer = still.get(BASE + "Observation?patient=p-1", None)
    assert (issue(answer, 401)["code"], answer.headers["www-authenticate"]) == ("login", "Bearer")
    assert issue(still.get(BASE + "Observation?patient=p-1", "technician"), 403)["code"] == "forbidden"


def test_a_transaction_of_5000_is_refused_with_the_limit(still: Site) -> None:
    entry = {"resource": {"resourceType": "Observation"}, "request": {"method": "POST", "url": "Observation"}}
    body = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 5000}
    first = issue(still.post(BASE.rstrip("/"), body), 413)
    assert first == {
        "severity": "error",
        "code": "too-long",
        "diagnostics": "the body must not be larger than 65536 bytes",
    }
    small = issue(still.post(BASE.rstrip("/"), {**body, "entry": [entry]}), 422)
    assert "create each Observation by itself" in small["diagnostics"]


def test_nothing_that_was_sent_is_repeated(still: Site, caplog: pytest.LogCaptureFixture) -> None:
    for path in (
        "Observation?patient=Marker-Family/1",
        "Observation?Marker-Family:x=1",
        "Patient?name:exact=Marker-Family",
    ):
        answer = still.get(BASE + path)
        assert answer.status_code == 400
        assert "Marker" not in answer.text
    assert "Marker" not in caplog.text


def test_found_is_what_is_read(still: Site) -> None:
    for one in found(still, "Observation?patient=p-1"):
        answer = still.get(f"{BASE}Observation/{one['id']}")
        assert answer.json() == one
        assert answer.headers["etag"] == f'W/"{one["meta"]["versionId"]}"'
        assert answer.headers["last-modified"] == "Thu, 01 Jan 2026 00:00:0" + one["meta"]["lastUpdated"][18] + " GMT"
