"""What schemathesis found once, said by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.api.ward import open_ward
from tests.unit.api.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened, _known = open_ward(tmp_path_factory.mktemp("ward"))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/devices", "GET, POST"),
        ("/api/v1/devices/w-1/binding", "DELETE, POST"),
        ("/prom/api/v1/query", "GET, POST"),
        ("/fhir/R4/Observation", "GET, POST"),
        ("/fhir/R4/Observation/_search", "POST"),
        ("/healthz", "GET"),
    ],
)
def test_a_refused_method_is_answered_with_all_that_the_path_knows(site: Site, path: str, methods: str) -> None:
    answer = site.call("PATCH", path, "admin")
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        (
            "PUT",
            "policies/patients/p-1",
            {"limits": [{"vital": "spo2", "side": "low", "limit": True}], "reason": "tested"},
        ),
        (
            "PUT",
            "policies/patients/p-1",
            {"limits": [{"vital": "spo2", "side": "low", "limit": "88"}], "reason": "tested"},
        ),
        (
            "PUT",
            "policies/patients/p-1",
            {"limits": [{"vital": "spo2", "side": "low", "enabled": 0}], "reason": "tested"},
        ),
        ("PUT", "devices/w-1/settings", {"limits": {"spo2": {"low": True}}, "reason": "tested"}),
        ("PUT", "devices/w-1/settings", {"interval_s": {"spo2": "5"}, "reason": "tested"}),
        ("PUT", "devices/w-1/settings", {"after": False, "reason": "tested"}),
        ("POST", "devices", {"id": "w-9", "model": "patch-2", "interval_s": {"spo2": True}}),
        (
            "POST",
            "patients",
            {"family": "A", "given": "B", "born": "1948-03-12", "sex": "other", "ward": "w", "demo": 0},
        ),
    ],
)
def test_true_is_no_number_and_a_text_is_none(site: Site, method: str, path: str, body: Any) -> None:
    answer = site.call(method, f"/api/v1/{path}", "admin", json=body)
    assert answer.status_code == 422
    assert "valid" in answer.json()["errors"][0]["message"]


def test_a_whole_number_is_a_number(site: Site) -> None:
    body = {"interval_s": {"spo2": 5}, "limits": {"spo2": {"low": 88, "high": 99.5}}, "reason": "battery"}
    assert site.call("PUT", "/api/v1/devices/w-1/settings", "admin", json=body).status_code == 200


def test_the_guarded_operations_say_so(site: Site) -> None:
    """As the door does: schemathesis then asks each without a token and with a wrong one."""
    paths = site.app.openapi()["paths"]
    open_ones = {path for path, methods in paths.items() for one in methods.values() if "security" not in one}
    assert open_ones == {
        "/api/v1/auth",
        "/api/v1/auth/session",
        "/api/v1/auth/token",
        "/api/v1/enrol",
        "/fhir/R4/metadata",
        "/healthz",
        "/readyz",
        "/metrics",
        "/asyncapi.yaml",
    }
