"""Self-tests: how a watchdog sets one up, and that nobody else ever meets it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.auth import Principal, Role
from api.live import LiveHub
from tests.unit.api.site import START, Site
from tests.unit.api.test_live import FAR, Reader
from vigil.domain.alerts import Kind
from vigil.domain.self_test import MISSING_RULE, PLATFORM, VITAL

TEST = "self-test.up"
SET_UP = {"name": "up", "interval_s": 5}


@pytest.fixture
def tried(site: Site) -> Site:
    """A ward with one patient and an open alert of each."""
    site.admit("p-1", "w-1")
    answer = site.post("/api/v1/self-tests", SET_UP, "admin")
    assert answer.status_code == 201, answer.text
    site.raise_alert(TEST)
    site.raise_alert("p-1")
    return site


def listening(hub: LiveHub, last: int | None = None, *, test: bool = True) -> Any:
    return hub.stream(hub.admit(Principal("w", Role.ADMIN, FAR), test), last)


def items(site: Site, path: str, role: str = "admin") -> list[dict[str, Any]]:
    answer = site.get(path, role)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_watchdog_gets_a_patient_a_device_and_an_account(site: Site) -> None:
    answer = site.post("/api/v1/self-tests", SET_UP, "technician")
    assert answer.status_code == 201
    assert answer.json()["id"] == TEST
    assert answer.json()["mqtt"]["topic_prefix"] == f"rpm/v1/home/d/{TEST}"
    assert site.accounts == [(TEST, [TEST])]
    device = next(each for each in site.records.devices() if each.device_id == TEST)
    assert device.interval_s == {VITAL: 5}
    binding = site.records.bindings()[0]
    assert (binding.device_id, binding.patient_id, binding.covers(START)) == (TEST, TEST, True)


def test_a_second_start_of_the_same_watchdog_renews_the_password_only(site: Site) -> None:
    first, second = (site.post("/api/v1/self-tests", SET_UP, "admin").json() for _ in range(2))
    assert first["mqtt"]["password"] != second["mqtt"]["password"]
    assert len(site.records.bindings()) == len(site.records.patients(include_test=True)) == 1


def test_one_that_was_ended_stays_so(tried: Site) -> None:
    assert tried.post(f"/api/v1/patients/{TEST}/discharge", {}, "admin").status_code == 200
    answer = tried.post("/api/v1/self-tests", SET_UP, "admin")
    assert answer.status_code == 422
    assert "another name" in answer.json()["detail"]


@pytest.mark.parametrize("body", [{"name": "Up/#"}, {"name": ""}, {"name": "up", "interval_s": 0}, {}])
def test_a_bad_request_is_refused(site: Site, body: dict[str, Any]) -> None:
    assert site.post("/api/v1/self-tests", {"interval_s": 5, **body}, "admin").status_code == 422
    assert site.records.patients(include_test=True) == []


def test_it_is_in_no_list_and_no_count(tried: Site) -> None:
    assert [each["id"] for each in items(tried, "/api/v1/patients")] == ["p-1"]
    assert tried.get("/api/v1/patients").json()["total"] == 1
    for state in ("open", "all"):
        assert [each["patient_id"] for each in items(tried, f"/api/v1/alerts?state={state}")] == ["p-1"]
    assert [each["id"] for each in items(tried, "/api/v1/devices")] == ["w-1"]
    assert tried.get(f"/api/v1/patients/{TEST}").status_code == 404
    assert TEST not in tried.get("/api/v1/policies", "admin").text


def test_who_names_it_reads_its_alert(tried: Site) -> None:
    found = items(tried, f"/api/v1/patients/{TEST}/alerts")
    assert [each["patient_id"] for each in found] == [TEST]
    body = {"version": found[0]["version"]}
    answer = tried.post(f"/api/v1/alerts/{found[0]['id']}/acknowledge", body, "admin", name="vigil self-test")
    assert answer.json()["acknowledged_by"] == "vigil self-test"


def test_how_it_does_is_open_to_whoever_may_see_the_health(tried: Site) -> None:
    tried.store(TEST, VITAL, [94.0])
    found = tried.get("/api/v1/self-tests", "research").json()
    assert found["missing"] is False
    assert [each["patient_id"] for each in found["items"]] == [TEST]
    assert found["items"][0]["last_reading_at"] == "2026-01-01T00:00:00.120Z"
    assert found["items"][0]["last_alert_at"] == "2026-01-01T00:00:00.000Z"
    tried.raise_alert(PLATFORM, MISSING_RULE, kind=Kind.TECHNICAL)
    assert tried.get("/api/v1/self-tests", "research").json()["missing"] is True
    assert [each["patient"] for each in items(tried, "/api/v1/alerts") if each["rule"] == MISSING_RULE] == [None]


def test_nobody_can_become_one_or_wear_its_device(tried: Site) -> None:
    person = {"family": "A", "given": "B", "born": "1950-01-01", "sex": "female", "ward": "north"}
    assert tried.post("/api/v1/patients", {"id": "self-test.me", **person}, "admin").status_code == 422
    assert tried.post("/api/v1/devices", {"id": "self-test.w", "model": "x"}, "admin").status_code == 422
    bind = f"/api/v1/devices/{TEST}/binding"
    assert tried.post(bind, {"patient_id": "p-1"}, "admin").status_code == 404
    assert tried.call("DELETE", bind, "admin").status_code == 404
    assert tried.post("/api/v1/devices/w-1/binding", {"patient_id": TEST}, "admin").status_code == 404
    assert {each.patient_id for each in tried.records.bindings() if each.end is None} == {"p-1", TEST}


def test_its_alerts_reach_its_watchdog_only_and_everybody_elses_nobody_else(tried: Site) -> None:
    async def run() -> None:
        async with tried.app.router.lifespan_context(tried.app):
            hub = tried.context.hub
            page, watchdog = listening(hub, test=False), listening(hub)
            assert (await Reader(page).next())[0] == "snapshot"
            assert (await Reader(watchdog).next())[0] == "heartbeat"
            # Who comes in the midst of a tick is sent a second snapshot, and what it holds is no event any more.
            await Reader(page).until("heartbeat")
            await asyncio.to_thread(tried.raise_alert, TEST, "b")
            await asyncio.to_thread(tried.raise_alert, "p-1", "b")
            for stream, patient_id in ((page, "p-1"), (watchdog, TEST)):
                _, _, data = await Reader(stream).until("alert")
                assert data["alert"]["patient_id"] == patient_id
            await page.aclose()
            await watchdog.aclose()

    asyncio.run(run())


def test_a_watchdog_that_comes_back_hears_what_it_missed(tried: Site) -> None:
    async def run() -> None:
        async with tried.app.router.lifespan_context(tried.app):
            hub = tried.context.hub
            streams = [listening(hub, 0, test=test) for test in (True, False)]
            for stream, patient_id in zip(streams, (TEST, "p-1"), strict=True):
                name, _, data = await Reader(stream).next()
                assert (name, data["alert"]["patient_id"]) == ("alert", patient_id)
                assert (await Reader(stream).next())[0] == "resumed"
                await stream.aclose()

    asyncio.run(run())


def test_ticks_of_the_ward_are_not_for_the_watchdog(tried: Site) -> None:
    async def run() -> None:
        async with tried.app.router.lifespan_context(tried.app):
            hub = tried.context.hub
            stream = listening(hub)
            reader = Reader(stream)
            await reader.next()
            tried.clock.advance(1)
            tried.store("w-1", "spo2", [95.0])
            await hub.tick()
            name, _, data = await reader.next()
            assert (name, set(data)) == ("heartbeat", {"server_at"})
            await stream.aclose()

    asyncio.run(run())
