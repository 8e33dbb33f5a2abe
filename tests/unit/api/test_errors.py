"""One error body for everything that is not a success; nothing internal and nothing entered comes back or is logged."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import cast

import pytest

from api.app import LARGEST_BODY
from api.deps import ManualEntry
from api.errors import status_of
from tests.unit.api.site import Site
from vigil.domain import errors
from vigil.domain.errors import VigilError
from vigil.domain.scores import Coverage, CoverageState

MEMBERS = {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/patients/p-9", 404),
        ("GET", "/api/v1/none", 404),
        ("DELETE", "/api/v1/patients", 405),
        ("GET", "/api/v1/alerts?limit=0", 422),
        ("POST", "/api/v1/patients", 403),
        ("GET", "/none", 404),
    ],
)
def test_every_refusal_is_a_problem_document(site: Site, method: str, path: str, status: int) -> None:
    answer = site.call(method, path)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert set(body) >= MEMBERS
    assert (body["status"], body["instance"]) == (status, path.partition("?")[0])
    assert body["title"] == HTTPStatus(status).phrase


def _all(error: type[VigilError]) -> list[type[VigilError]]:
    return [error, *(one for child in error.__subclasses__() for one in _all(child))]


def test_the_whole_error_tree_has_a_status() -> None:
    want = {
        "VersionConflict": 409,
        "NotFound": 404,
        "InvalidInput": 422,
        "PolicyError": 422,
        "TeamError": 422,
        "TableError": 422,
        "StoreError": 503,
        "BrokerError": 503,
    }
    for kind in _all(VigilError):
        if kind.__module__ == errors.__name__:
            error = VigilError.__new__(kind)
            assert status_of(error) == want.get(kind.__name__, 500), kind


async def _dripping(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield b" " * 1000


@pytest.mark.parametrize("size", [64_000, 66_000])
def test_a_body_above_64_kib_is_refused_however_it_comes(site: Site, size: int) -> None:
    want = 422 if size <= LARGEST_BODY else 413
    for content in (b" " * size, _dripping(size)):
        answer = site.call("POST", "/api/v1/patients", "admin", content=content)
        assert (answer.status_code, answer.headers["content-type"]) == (want, "application/problem+json")
    assert site.call("POST", "/api/v1/patients", None, content=b" " * size).status_code == 401


def test_a_failure_of_ours_says_nothing_to_the_client(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.admit("p-1")

    def fail(entry: ManualEntry) -> list[int]:
        raise RuntimeError("secret detail")

    body = {"values": [{"vital": "spo2", "value": 97}]}
    answer = site.given(submit=fail).post("/api/v1/patients/p-1/observations", body)
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal Server Error")
    assert "secret" not in answer.text


def test_an_answer_that_breaks_its_schema_is_not_written_to_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.admit("p-1")
    site.bus.board.put_coverage(Coverage("p-1", CoverageState.PARTLY, site.clock.now_us(), cast(str, None)))
    with caplog.at_level(logging.DEBUG):
        answer = site.get("/api/v1/patients/p-1")
    assert answer.status_code == 500
    assert "response.coverage.why" in caplog.text
    assert "Marker" not in caplog.text + answer.text


def test_no_name_is_logged_by_ordinary_work(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        body = {"family": "Marker-Family", "given": "Marker-Given", "born": "1948-03-12", "sex": "x", "ward": "north"}
        site.post("/api/v1/patients", body, "admin")
        site.post("/api/v1/patients", {**body, "sex": "female", "id": "p-1"}, "admin")
        alert = site.raise_alert("p-1")
        site.post(f"/api/v1/alerts/{alert.alert_id}/acknowledge", {"version": 1, "note": "Marker-Note"})
        site.get("/api/v1/patients/p-1")
    assert "Marker" not in caplog.text
