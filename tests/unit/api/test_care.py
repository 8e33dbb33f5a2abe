"""Nobody sees or touches anything of another ward's patient, by any route there is: new routes are walked by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from api.app import declared
from api.auth import RIGHTS, Needs, Role
from api.care import CHECKS
from api.fhir.parameters import SEARCHES
from tests.unit.api.all_routes import ROUTES, parameters, reads
from tests.unit.api.two_wards import FHIR, MARK, OWN, Ask, TwoWards, open_two_wards, principal
from vigil.domain.times import to_iso

#: Parameters of paths that ``CHECKS`` does not look at, and why none is somebody else's patient's.
NOT_CHECKED = {
    "resource_id": "FHIR's ids are found by the Chart, which holds only what the caller sees: walked below",
    "name": "of a programme or a label",
    "user_id": "of the staff; changed only by whoever may do as much",
    "token_id": "of a machine; ended only by whoever may do as much",
    "grant_id": "the audit's, which nobody has for some wards only",
    "note_id": "looked for among the notes of the patient in the path",
    "pause_id": "looked for among the pauses of the patient in the path",
}
#: The one route that may name anybody's patient.
BREAK_GLASS = "POST /api/v1/patients/{patient_id}/break-glass"


def lacks(role: Role, route: APIRoute) -> bool:
    need = declared(route)
    return isinstance(need, Needs) and not principal([OWN], role=role).may(need.right)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoWards]:
    """For questions that change nothing."""
    opened = open_two_wards(tmp_path_factory.mktemp("both"))
    yield opened
    opened.site.close()


def test_every_parameter_of_a_path_is_checked_or_known_to_be_nobodys() -> None:
    found = {name for _, _, route in ROUTES for name in parameters(route)}
    assert found == set(CHECKS) | set(NOT_CHECKED)


def test_a_right_that_reaches_all_wards_is_not_had_for_some() -> None:
    limited = principal([OWN], role=Role.ADMIN)
    kept = {right for right in RIGHTS[Role.ADMIN] if limited.may(right)}
    assert {right.value for right in RIGHTS[Role.ADMIN] - kept} >= {"audit", "backup"}
    assert {right for right in RIGHTS[Role.ADMIN] if principal(None, role=Role.ADMIN).may(right)} == RIGHTS[Role.ADMIN]


def about(both: TwoWards, path: str) -> list[str]:
    """FHIR ids of one type that belong to the other ward, as somebody finds them who sees all wards."""
    kind, other = path.split("/")[3], both.other
    if kind == "Patient":
        return [other.patient_id]
    if kind == "Device":
        return [other.device_id]
    if kind == "Provenance":
        return [f"o-{one}" for one in about(both, "/fhir/R4/Observation")]
    asked = {
        "DeviceMetric": f"source={other.device_id}",
        "AuditEvent": f"patient={other.patient_id}",
    }.get(kind, f"patient={other.patient_id}")
    bundle = both.one(Ask("GET", f"/fhir/R4/{kind}?{asked}"), both.whole).json()
    return [one["resource"]["id"] for one in bundle.get("entry", [])]


def objects(both: TwoWards) -> list[tuple[str, APIRoute, Ask]]:
    """Each route that names a thing, asked for the other ward's."""
    found = []
    for name, method, route in ROUTES:
        named = parameters(route)
        body: dict[str, Any] | None = None if method in ("GET", "DELETE") else {}
        if "resource_id" in named:
            ids = about(both, route.path)
            found += [(name, route, Ask(method, route.path.format(resource_id=one), body)) for one in ids]
        elif named & set(CHECKS) and name != BREAK_GLASS:
            values = {**dict.fromkeys(named, "n"), **both.other.named()}
            path = route.path.format(**values)
            if route.path.endswith("/deliveries") and "device_id" in named:
                path += f"?since={to_iso(both.site.clock.now_us() - 1000)}"
            found.append((name, route, Ask(method, path, body)))
    return found


def test_whatever_names_a_thing_of_another_ward_is_not_found(both: TwoWards) -> None:
    asked = objects(both)
    before = both.site.records.revision(), both.site.records.last_seq(), list(both.site.accounts)
    for role, headers in ((Role.NURSE, both.nurse), (Role.ADMIN, both.admin)):
        answers = both.all([one for _, _, one in asked], headers)
        for (name, route, one), answer in zip(asked, answers, strict=True):
            wanted = 403 if lacks(role, route) else 404
            assert answer.status_code == wanted, (role, name, one.path, answer.text)
    assert (both.site.records.revision(), both.site.records.last_seq(), list(both.site.accounts)) == before
    naming = {name for name, _, route in ROUTES if parameters(route) & {*CHECKS, "resource_id"}}
    assert {name for name, _, _ in asked} == naming - {BREAK_GLASS}


def test_they_are_there_for_who_sees_all_wards(both: TwoWards) -> None:
    """Or the walk above would find nothing whoever asked."""
    asked = [(name, one) for name, _, one in objects(both) if one.method == "GET"]
    answers = both.all([one for _, one in asked], both.whole)
    found = [
        (name, one.path, answer.text) for (name, one), answer in zip(asked, answers, strict=True) if answer.is_error
    ]
    assert [name for name, _, _ in found] == ["GET /alertmanager/api/v2/silence/{alert_id}"], found  # it is not snoozed


def test_what_is_anothers_answers_as_what_does_not_exist(both: TwoWards) -> None:
    """A gateway is no patient's, and one that is not there yet can be made."""
    known = objects(both)
    unknown = {**dict.fromkeys(both.other.named(), "zzz"), "patient_id": "p-zzz", "question_id": "99"}
    pairs = []
    for name, route, one in known:
        if "gateway_id" not in parameters(route):
            values = {**dict.fromkeys(parameters(route), "zzz"), **unknown}
            query = one.path.partition("?")[1] + one.path.partition("?")[2]
            pairs.append((name, one, Ask(one.method, route.path.format(**values) + query, one.json)))
    for headers in (both.nurse, both.admin):
        answers = both.all([one for _, one, _ in pairs], headers)
        others = both.all([one for _, _, one in pairs], headers)
        for (name, _, _), answer, other in zip(pairs, answers, others, strict=True):
            assert answer.status_code == other.status_code, name
            assert words(answer) == words(other), name


def words(answer: httpx.Response) -> str:
    """Without what was asked for."""
    body = answer.json()
    said = body.get("detail") or json.dumps(body.get("issue"))
    return " ".join("…" if any(sign.isdigit() for sign in word) or "zzz" in word else word for word in said.split())


def lists(both: TwoWards) -> list[tuple[str, Ask]]:
    """Each route that names no thing, as it is and with all that it can be asked for."""
    found = []
    for name, method, route in ROUTES:
        if (
            reads(method, route)
            and not parameters(route) & {*CHECKS, "resource_id"}
            and not route.path.endswith("/stream")
        ):
            path = route.path.format(name="patient", user_id="chief", token_id="n", grant_id="n")
            queries = VARIANTS.get(route.path) or _searches(both, route.path)
            found += [(name, _asked(method, path, one)) for one in [{}, *queries]]
    return found


def _asked(method: str, path: str, query: dict[str, str]) -> Ask:
    if method == "POST":
        return Ask(method, path, form=query or {"_count": "9"})
    return Ask(method, str(httpx.URL(path, params=query)) if query else path)


def _searches(both: TwoWards, path: str) -> list[dict[str, str]]:
    """What FHIR and Prometheus can be asked for, wherever they understand it."""
    own, other = both.own, both.other
    if path.startswith("/prom/"):
        everything = {"query": '{__name__=~".+"}', "match[]": '{__name__=~".+"}'}
        now = both.site.clock.now_us() // 1_000_000 + 1
        span = {"start": str(now - 60), "end": str(now), "step": "15"}
        named = f'{{patient="{other.patient_id}"}}'
        if path.endswith("/format_query"):
            return []
        return [{**everything, **span}, {"query": named, "match[]": named, **span}, {"query": "alert_active", **span}]
    kind = path.split("/")[3] if path.startswith("/fhir/R4/") else ""
    if kind not in SEARCHES and "$" not in path:
        return []
    codes = {"category": "vital-signs,survey"} if "Observation" in path else {}
    target = {"target": ",".join(f"Observation/r{number}" for number in range(1, 30))} if kind == "Provenance" else {}
    return [
        {"patient": own.patient_id, **codes, **target},
        {"patient": other.patient_id, **codes, **target},
        {"subject": f"{own.patient_id},{other.patient_id}", **codes, **target},
        {"device": other.device_id, "source": other.device_id, **codes},
        {"_lastUpdated": "ge2020-01-01", "_total": "none"},
        {"_id": ",".join([other.patient_id, other.device_id, other.alert_id, *(f"r{one}" for one in range(1, 20))])},
        {"identifier": f"{other.device_id}:hr:-:-:1767225601000000"},
        {"name": f"Family-{MARK}"},
    ]


VARIANTS: dict[str, list[dict[str, str]]] = {
    "/api/v1/patients": [{"ward": MARK}, {"ward": OWN}],
    "/api/v1/alerts": [{"state": "all"}, {"state": "resolved"}, {"kind": "technical"}],
    "/api/v1/deadletters": [{"device": f"w-{MARK}"}, {"reason": "malformed", "limit": "1"}],
    "/api/v1/handover": [{"ward": OWN}, {"ward": MARK}],
    "/api/v1/burden": [{"by": "policy"}],
    "/api/v1/away": [{"since": "2025-12-31T12:00:00Z"}],
    "/fhir/R4/Observation/$why": [{"device": f"w-{OWN}"}, {"device": f"w-{MARK}"}],
    "/alertmanager/api/v2/alerts": [{"filter": f'patient="p-{MARK}"'}],
    "/alertmanager/api/v2/alerts/groups": [{"filter": 'patient=~".+"'}],
}


def told(answer: httpx.Response) -> str:
    """What an answer says. The links of a Bundle repeat what was asked for."""
    if answer.headers.get("content-type", "").startswith(FHIR) and answer.status_code == 200:
        body: dict[str, Any] = answer.json()
        return json.dumps(body.get("entry", body if "entry" not in body and "link" not in body else []))
    return answer.text if answer.status_code != 404 else ""


def test_no_list_says_anything_of_another_ward(both: TwoWards) -> None:
    asked = lists(both)
    ours = {f"{name} {one.path} {one.form}" for name, one in asked}
    assert len(ours) > 100
    marks = (MARK, both.other.alert_id, both.other.snoozed_id)
    for headers in (both.nurse, both.admin):
        for (name, one), answer in zip(asked, both.all([one for _, one in asked], headers), strict=True):
            assert answer.status_code < 500 or name == "GET /readyz", (name, one, answer.text)
            assert not [mark for mark in marks if mark in told(answer)], (name, one, answer.text)
    seen = {
        name
        for (name, _), answer in zip(asked, both.all([one for _, one in asked], both.whole), strict=True)
        if any(mark in told(answer) for mark in marks)
    }
    assert seen >= SHOWN, SHOWN - seen
    own = {
        name
        for (name, _), answer in zip(asked, both.all([one for _, one in asked], both.admin), strict=True)
        if OWN in told(answer) or both.own.alert_id in told(answer)
    }
    assert own >= SHOWN - {"GET /api/v1/audit", "GET /fhir/R4/AuditEvent", "POST /fhir/R4/AuditEvent/_search"}


#: Lists in which a patient is found by who may see him: each of them must have been looked through.
SHOWN = {
    "GET /api/v1/patients",
    "GET /api/v1/alerts",
    "GET /api/v1/devices",
    "GET /api/v1/deadletters",
    "GET /api/v1/questions",
    "GET /api/v1/policies",
    "GET /api/v1/teams",
    "GET /api/v1/handover",
    "GET /api/v1/audit",
    "GET /alertmanager/api/v2/alerts",
    "GET /alertmanager/api/v2/alerts/groups",
    "GET /alertmanager/api/v2/silences",
    "GET /prom/api/v1/label/{name}/values",
    *(f"{method} /prom/api/v1/{one}" for method in ("GET", "POST") for one in ("query", "query_range", "series")),
    *(f"GET /fhir/R4/{kind}" for kind in SEARCHES if kind not in ("Provenance",)),
    *(f"POST /fhir/R4/{kind}/_search" for kind in SEARCHES if kind not in ("Provenance",)),
    "GET /fhir/R4/Observation/$lastn",
    "GET /fhir/R4/Observation/$why",
}
