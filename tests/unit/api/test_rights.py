"""Every route, every role: nothing opens without a token, and nothing opens with a role that lacks the right."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api.app import ROUTERS, check_declared, declared
from api.auth import RIGHTS, Known, Needs, Open, Right, Role
from tests.unit.api.site import SECRET, Site, open_site
from vigil.domain.errors import ConfigError

#: Written down here once more on purpose: opening a route must change this test.
OPEN = {
    "GET /api/v1/auth",
    "POST /api/v1/auth/session",
    "POST /api/v1/auth/token",
    "POST /api/v1/enrol",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /asyncapi.yaml",
    "GET /fhir/R4/metadata",
}

ROUTES = [
    (method, route)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
NAMES = [f"{method} {route.path}" for method, route in ROUTES]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all questions at the door, which change nothing."""
    opened = open_site(tmp_path_factory.mktemp("door"))
    yield opened
    opened.close()


def path_of(route: APIRoute) -> str:
    return route.path.format(
        patient_id="p-1",
        alert_id="a-1",
        device_id="w-1",
        gateway_id="g-1",
        team_id="t-1",
        ward="A",
        name="n",
        resource_id="p-1",
        question_id="1",
        user_id="li.na",
        token_id="t-1",
        grant_id="g-1",
        note_id="1",
        pause_id="1",
    )


def test_the_list_of_open_routes_is_exact() -> None:
    found = {name for name, (_, route) in zip(NAMES, ROUTES, strict=True) if isinstance(declared(route), Open)}
    assert found == OPEN


def test_all_routes_of_the_app_are_walked(site: Site) -> None:
    paths = site.get("/openapi.json", None).json()["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert described == set(NAMES)


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=NAMES)
def test_no_token_no_answer(door: Site, method: str, route: APIRoute) -> None:
    if f"{method} {route.path}" in OPEN:
        return
    for headers in ({}, {"Authorization": "Bearer not.a.token"}, {"Authorization": f"Basic {SECRET}"}):
        answer = door.call(method, path_of(route), None, content=b"{broken", headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == "Bearer"
        form = "application/fhir+json" if route.path.startswith("/fhir/") else "application/problem+json"
        assert answer.headers["content-type"] == form


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=NAMES)
def test_each_role_lacking_the_right_gets_403(door: Site, method: str, route: APIRoute) -> None:
    need = declared(route)
    if not isinstance(need, Needs):
        return
    refused = [role for role in Role if need.right not in RIGHTS[role]]
    for role in refused:
        answer = door.call(method, path_of(route), role, content=b"{}", headers={"Content-Type": "application/json"})
        assert answer.status_code == 403, (role, answer.text)
        assert answer.json().get("status") == 403 or answer.json()["resourceType"] == "OperationOutcome"
    assert refused or need.right is Right.HEALTH


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=NAMES)
def test_a_role_with_the_right_passes_the_door(door: Site, method: str, route: APIRoute) -> None:
    """The live view is not running here, so the stream answers 503, which is behind the door too."""
    need = declared(route)
    if not isinstance(need, (Needs, Known)):
        return
    answer = door.call(method, path_of(route), Role.ADMIN, content=b"{}", headers={"Content-Type": "application/json"})
    assert answer.status_code not in (401, 403), answer.text


def test_an_unknown_path_below_the_api_does_not_tell_that_it_is_unknown(site: Site) -> None:
    assert site.get("/api/v1/secrets", None).status_code == 401
    assert site.get("/api/v1/secrets").status_code == 404
    assert site.get("/nothing", None).status_code == 404


def test_a_token_in_the_address_is_no_token(site: Site) -> None:
    assert site.get(f"/api/v1/me?access_token={site.token('nurse')}", None).status_code == 401


def test_an_undeclared_route_cannot_be_built() -> None:
    careless = APIRouter()

    @careless.get("/api/v1/leak")
    def leak() -> dict[str, str]:
        return {}

    with pytest.raises(ConfigError, match="/api/v1/leak"):
        check_declared(careless)


def test_only_these_roles_see_names() -> None:
    assert {role for role in Role if Right.NAMES in RIGHTS[role]} == {Role.NURSE, Role.CLINICIAN, Role.ADMIN}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.RESEARCH, Role.TECHNICIAN])
def test_roles_without_names_never_get_one(site: Site, role: Role) -> None:
    site.admit("p-1", "w-1")
    alert = site.raise_alert("p-1")
    site.post(f"/api/v1/alerts/{alert.alert_id}/acknowledge", {"version": 1, "note": "told Marker-Family's daughter"})
    seen = 0
    for method, route in ROUTES:
        if method == "GET" and not route.path.endswith("/stream"):
            path = route.path.format(
                patient_id="p-1",
                alert_id=alert.alert_id,
                device_id="w-1",
                gateway_id="g-1",
                team_id="t-1",
                ward="A",
                name="n",
                resource_id="p-1",
                question_id="1",
                user_id="li.na",
                token_id="t-1",
                grant_id="g-1",
                note_id="1",
                pause_id="1",
            )
            answer = site.get(path + ("?state=all" if path.endswith("alerts") else ""), role)
            seen += answer.status_code == 200
            for mark in ("Marker-Family", "Marker-Given", "1948-03-12"):
                assert mark not in answer.text, path
    assert seen >= 5


def test_open_api_shows_examples_and_errors(site: Site) -> None:
    document = site.get("/openapi.json", None).json()
    schemas = document["components"]["schemas"]
    for name in ("AlertOut", "Value", "NewPatient", "Observation", "AcknowledgeCommand", "PolicyChange", "NewDevice"):
        assert schemas[name]["examples"], name
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (method, path)
            assert {"401", "403", "422"} <= set(operation["responses"]), (method, path)
    assert "$defs" not in json.dumps(document)
    assert isinstance(site.app, FastAPI)
