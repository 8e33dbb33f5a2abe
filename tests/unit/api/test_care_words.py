"""What a body names, what numbers and words say, and what a device brings along from another ward."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics.calling.outage import OF_WARD as OUTAGE_OF_WARD
from analytics.calling.outage import outage_rule
from api.app import declared
from api.auth import Needs, Role
from api.care import CHECKS, OF_WARD
from tests.unit.api.all_routes import ROUTES, parameters, reads
from tests.unit.api.site import START
from tests.unit.api.two_wards import FHIR, MARK, OWN, Ask, TwoWards, open_two_wards, principal
from vigil.domain.alerts import Kind
from vigil.domain.self_test import PLATFORM
from vigil.domain.times import to_iso


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoWards]:
    """For questions that change nothing."""
    opened = open_two_wards(tmp_path_factory.mktemp("both"))
    yield opened
    opened.site.close()


def test_what_is_named_in_a_body_is_refused_as_well(both: TwoWards) -> None:
    own, other = both.own, both.other
    api, reason = "/api/v1", "the other ward asked for it"
    span = {"start_at": "2025-12-01T00:00:00Z", "end_at": "2025-12-02T00:00:00Z"}
    new = {"family": "New", "given": "New", "born": "1950-01-01", "sex": "female"}
    policy = {"limits": [{"vital": "spo2", "side": "low", "limit": 85.0}], "reason": reason}
    team = both.one(Ask("GET", f"{api}/teams/{own.team_id}"), both.admin).json()["team"]
    cases = [
        (404, Ask("POST", f"{api}/devices/{own.device_id}/binding", {"patient_id": other.patient_id})),
        (404, Ask("POST", f"{api}/devices/{own.device_id}/unclaimed", {"patient_id": other.patient_id, **span})),
        (
            404,
            Ask(
                "POST", f"{api}/questions/{own.question_id}/answer", {"patient_id": other.patient_id, "reason": reason}
            ),
        ),
        (
            404,
            Ask("POST", f"{api}/screens/looking", {"alert_id": other.alert_id, "screen": "0-screen", "looking": True}),
        ),
        (403, Ask("POST", f"{api}/patients", {**new, "ward": other.ward})),
        (422, Ask("POST", f"{api}/devices", {"id": other.device_id, "model": "patch-2"})),
        (422, Ask("POST", f"{api}/gateways", {"id": "g-new", "devices": [other.device_id]})),
        (422, Ask("POST", f"{api}/gateways", {"id": other.gateway_id, "devices": [own.device_id]})),
        (422, Ask("POST", f"{api}/gateways/g-new/claim", {"devices": [other.device_id]})),
        (403, Ask("PUT", f"{api}/teams", {"team": {**team, "id": "new", "ward": other.ward}, "reason": reason})),
        (403, Ask("PUT", f"{api}/policies/programme", policy)),
        (403, Ask("PUT", f"{api}/policies/programmes/heart", policy)),
        (422, Ask("POST", "/fhir/R4/Observation", pulse(other.patient_id), kind=FHIR)),
    ]
    before = both.site.records.revision(), list(both.site.accounts), list(both.site.entries)
    for wanted, answer in zip([one for one, _ in cases], both.all([one for _, one in cases], both.admin), strict=True):
        assert answer.status_code == wanted, (answer.request.url, answer.text)
        assert MARK not in answer.json().get("detail", "").replace(f"not registered: {other.device_id}", "")
    taken = Ask("PUT", f"{api}/teams", {"team": {**team, "id": other.team_id, "ward": "ccc"}, "reason": reason})
    assert both.one(taken, both.log_in("eve", Role.ADMIN, [OWN, "ccc"])).status_code == 403
    unknown = Ask("POST", "/fhir/R4/Observation", pulse("p-zzz"), kind=FHIR)
    assert both.one(cases[-1][1], both.nurse).json() == both.one(unknown, both.nurse).json()
    assert (both.site.records.revision(), list(both.site.accounts), list(both.site.entries)) == before


def pulse(patient_id: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": to_iso(START),
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    }


def test_every_change_that_names_no_thing_in_its_path_was_thought_of() -> None:
    """Its body may name one: a new route of this kind joins the cases above, or this list with the reason."""
    found = {
        name
        for name, method, route in ROUTES
        if not reads(method, route) and not parameters(route) & {*CHECKS, "resource_id"}
    }
    tried = {"POST /api/v1/screens/looking",
             "POST /api/v1/patients", "POST /api/v1/devices", "POST /api/v1/gateways", "PUT /api/v1/teams",
             "PUT /api/v1/policies/programme", "PUT /api/v1/policies/programmes/{name}", "POST /fhir/R4/Observation"}  # fmt: skip
    of_the_caller = {
        one for one in found if one.split()[1].startswith(("/api/v1/auth/", "/api/v1/users", "/api/v1/tokens"))
    }
    nobodys = {
        "POST /api/v1/screens/audible",  # whether the caller's own screen can be heard
        "POST /api/v1/enrol",  # opens a broker account by a code
        "POST /api/v1/self-tests",  # the self-test's own patient
        "POST /fhir/R4",  # refused, whatever it holds
    }
    limited = principal([OWN], role=Role.ADMIN)
    reaches_all = {
        name for name, _, route in ROUTES if isinstance(need := declared(route), Needs) and not limited.may(need.right)
    }
    assert found - tried - of_the_caller - nobodys - reaches_all == set()


def test_the_numbers_of_a_ward_are_its_own(both: TwoWards) -> None:
    mine, all_of_them = (both.one(Ask("GET", "/api/v1/burden"), who).json() for who in (both.nurse, both.whole))
    assert (mine["patients"], all_of_them["patients"]) == (1, 2)
    assert (mine["total"]["alerts"], all_of_them["total"]["alerts"]) == (2, 4)
    count = Ask("POST", "/prom/api/v1/query", form={"query": 'count({__name__=~".+"})'})
    mine, all_of_them = (
        both.one(count, who).json()["data"]["result"][0]["value"][1] for who in (both.nurse, both.whole)
    )
    assert 2 * int(mine) == int(all_of_them)
    cards = both.one(Ask("GET", "/api/v1/patients"), both.nurse).json()
    assert (cards["total"], [one["rank"] for one in cards["items"]]) == (1, [1])


def test_an_outage_of_another_ward_is_not_told_and_that_of_all_is(tmp_path: Path) -> None:
    assert OF_WARD == OUTAGE_OF_WARD
    both = open_two_wards(tmp_path)
    ours, theirs, everywhere = (
        both.site.raise_alert(PLATFORM, rule, kind=Kind.TECHNICAL).alert_id
        for rule in (outage_rule(OWN), outage_rule(MARK), outage_rule(None))
    )
    listed = {one["id"] for one in both.one(Ask("GET", "/api/v1/alerts?kind=technical"), both.nurse).json()["items"]}
    assert listed == {ours, everywhere}
    asked = [Ask("GET", f"/api/v1/alerts/{one}") for one in (ours, theirs, everywhere)]
    assert [one.status_code for one in both.all(asked, both.nurse)] == [200, 404, 200]
    both.site.close()


def test_a_device_that_comes_from_another_ward_says_nothing_of_its_time_there(tmp_path: Path) -> None:
    both = open_two_wards(tmp_path)
    site, device = both.site, both.other.device_id
    site.clock.advance(60)
    moved_at = site.clock.now_us()
    site.records.bind(device, both.own.patient_id, moved_at)
    site.clock.advance(1)
    site.store(device, "spo2", [91.0])
    why, settings, gone = (
        Ask("GET", f"/fhir/R4/Observation/$why?device={device}"),
        Ask("GET", f"/api/v1/devices/{device}/settings"),
        Ask("GET", f"/api/v1/devices/{device}/deliveries?since={to_iso(START)}"),
    )
    mine, all_of_it = both.all([why, settings, gone], both.admin), both.all([why, settings, gone], both.whole)
    assert [len(answers[0].json()["issue"]) for answers in (mine, all_of_it)] == [1, 6]
    assert [answers[1].json()["wanted"]["reason"] for answers in (mine, all_of_it)] == [
        None,
        f"as Family-{MARK} wished",
    ]
    assert [answers[2].json()["values_stored"] for answers in (mine, all_of_it)] == [1, 6]
    assert mine[2].json()["since_at"] == to_iso(START), "not when the other ward's patient took it off"
    letters = both.one(Ask("GET", "/api/v1/deadletters"), both.admin).json()["items"]
    assert [one["device_id"] for one in letters] == [both.own.device_id]
    series = both.one(Ask("GET", "/prom/api/v1/query?query=vital_spo2_percent[1h]"), both.admin).json()["data"][
        "result"
    ]
    values = {one["metric"]["device"]: [value for _, value in one["values"]] for one in series}
    assert values == {both.own.device_id: ["96"], device: ["91"]}
    site.close()
