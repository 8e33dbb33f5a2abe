"""An audit log that cannot be written: nothing is changed, no more is read than fits, and what waits is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from api import audit
from api.audit import AuditLog
from tests.unit.api.site import SECRET, Site, open_site
from vigil.domain.audit import Entry, Line, Question, Step
from vigil.domain.errors import StoreError

READ = Entry(1, Step.ANSWERED, "r-1", "Li Na", "nurse", "::1", "GET", "/p", {}, "", "", 200)


class Fake:
    """The records of a test: ``broken`` refuses, ``hold`` lets a writer wait."""

    def __init__(self) -> None:
        self.batches: list[list[Entry]] = []
        self.broken = False
        self.entered = threading.Event()
        self.hold = threading.Event()
        self.hold.set()

    def append_audit(self, entries: Sequence[Entry]) -> None:
        self.entered.set()
        assert self.hold.wait(10)
        if self.broken:
            raise StoreError("disk full")
        self.batches.append(list(entries))

    def audit(self, question: Question) -> list[Line]:
        return []

    def audit_head(self) -> tuple[int, bytes]:
        return 0, b""


@pytest.fixture
def failing(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site whose audit log fails until ``monkeypatch.undo``."""

    def fail(_entries: Sequence[Entry]) -> None:
        raise StoreError("disk full")

    site.admit("p-1", "w-1")
    monkeypatch.setattr(site.records, "append_audit", fail)
    return site


def test_nothing_is_changed_that_cannot_be_recorded(failing: Site) -> None:
    alert = failing.raise_alert("p-1")
    answers = [
        failing.post(f"/api/v1/alerts/{alert.alert_id}/acknowledge", {"version": 1}),
        failing.call("DELETE", "/api/v1/devices/w-1/binding"),
        failing.post("/api/v1/patients/p-1/discharge", None, "admin"),
    ]
    assert [one.status_code for one in answers] == [503, 503, 503]
    assert failing.records.alert(alert.alert_id) == alert
    assert failing.records.bindings()[0].end is None
    assert failing.records.patient("p-1").discharged_at is None


def test_a_change_whose_result_cannot_be_recorded_is_not_said_to_be_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.admit("p-1")
    real, calls = site.records.append_audit, 0

    def second_fails(entries: Sequence[Entry]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreError("disk full")
        real(entries)

    monkeypatch.setattr(site.records, "append_audit", second_fails)
    answer = site.post("/api/v1/patients/p-1/discharge", None, "admin")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "may have been done" in answer.json()["detail"]
    site.app.state.audit.write()
    assert [line.entry.step for line in site.records.audit(Question())] == [Step.ANSWERED, Step.ASKED]


def test_nobody_gets_in_unrecorded(failing: Site) -> None:
    answer = failing.post("/api/v1/auth/token", {"secret": SECRET, "role": "nurse", "name": "Nina"}, None)
    assert answer.status_code == 503
    assert "access_token" not in answer.text


def test_reads_go_on_until_no_more_can_wait(failing: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_WAITING", 3)
    found = [failing.get("/api/v1/patients/p-1", name=f"n-{number}").status_code for number in range(5)]
    assert found == [200, 200, 200, 503, 503]
    assert failing.post("/api/v1/patients/p-1/discharge", None, "admin").status_code == 503
    assert len(failing.app.state.audit._waiting) == 3
    assert failing.get("/fhir/R4/Patient").headers["content-type"].startswith("application/fhir+json")
    assert failing.get("/healthz", None).status_code == 200
    assert failing.get("/api/v1/health").status_code == 200, "its words must be heard now"
    monkeypatch.undo()
    assert failing.get("/api/v1/patients/p-1").status_code == 200
    failing.app.state.audit.write()
    assert [line.entry.who for line in failing.records.audit(Question())][::-1] == ["n-0", "n-1", "n-2", "Li Na"]


def test_a_failure_is_said_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    records = Fake()
    log = AuditLog(records)
    records.broken = True
    log.gather(READ)
    for _ in range(3):
        with pytest.raises(StoreError):
            log.write()
    assert "changes are refused" in log.failing
    assert len(caplog.records) == 1
    records.broken = False
    log.gather(replace(READ, at=2), alike=True)
    log.write()
    assert (log.failing, [len(batch) for batch in records.batches]) == ("", [2])


def test_equal_entries_are_counted_across_a_failure() -> None:
    records = Fake()
    log = AuditLog(records)
    records.broken = True
    log.gather(READ, alike=True)
    log.gather(replace(READ, at=9, request="r-2"), alike=True)
    with pytest.raises(StoreError):
        log.write()
    log.gather(replace(READ, request="r-3"), alike=True)
    records.broken = False
    log.write()
    log.write()
    assert records.batches == [[replace(READ, times=3)]]


def test_those_who_come_while_another_one_writes_share_one_transaction() -> None:
    records = Fake()
    log = AuditLog(records)

    def change(number: int) -> None:
        log.gather(replace(READ, request=f"r-{number}"))
        log.write()

    records.hold.clear()
    first = threading.Thread(target=change, args=(0,))
    first.start()
    assert records.entered.wait(10)
    others = [threading.Thread(target=change, args=(number,)) for number in range(1, 6)]
    for other in others:
        other.start()
    while len(log._waiting) < 5:
        threading.Event().wait(0.001)
    records.hold.set()
    for thread in (first, *others):
        thread.join(10)
    assert [len(batch) for batch in records.batches] == [1, 5]


def test_reads_are_written_while_the_app_lives_and_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PERIOD_S", 0)
    records = Fake()
    log = AuditLog(records)

    async def live() -> None:
        await log.start()
        log.gather(READ)
        while not records.batches:
            await asyncio.sleep(0)
        monkeypatch.setattr(audit, "PERIOD_S", 3600)
        records.entered.clear()
        log.gather(replace(READ, request="r-2"))
        await log.stop()

    asyncio.run(live())
    assert sum(len(batch) for batch in records.batches) == 2


def test_an_unexpected_failure_of_a_route_is_recorded(tmp_path: Path) -> None:
    site = open_site(tmp_path)

    def fail(_entry: object) -> list[int]:
        raise RuntimeError("bug")

    broken = site.given(submit=fail)
    broken.admit("p-1")
    body = {"values": [{"vital": "spo2", "value": 97}]}
    assert broken.post("/api/v1/patients/p-1/observations", body).status_code == 500
    broken.app.state.audit.write()
    assert [line.entry.status for line in broken.records.audit(Question())] == [500, 0]
    site.close()
