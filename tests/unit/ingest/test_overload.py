"""Overload is said in words and by alerts that end by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from analytics.book import Book
from ingest.fair import Bounds, Dropped, FairQueue
from ingest.overload import FLOOD_RULE, LATE_US, OVERLOAD_RULE, QUIET_S, Overload
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Kind
from vigil.domain.phrases import english
from vigil.domain.self_test import PLATFORM
from vigil.runtime.clock import ManualClock
from vigil.runtime.mqtt import Message
from vigil.store.records.store import SqlRecordStore


class Site:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.clock.advance(100)
        self.records = SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", Fernet.generate_key())
        self.bus = Bus()
        self.lines = self.bus.transitions.subscribe(100)
        self.queue = FairQueue(Bounds(100, 10**6, 10**6, 0, 1, 0), self.clock)
        self.start()

    def start(self) -> None:
        self.overload = Overload(self.queue, self.records, self.bus, self.clock)

    def message(self) -> Message:
        return Message("rpm/v1/home/d/w-1/tel/vitals", b"", 1, 1, 1, self.clock.now_us())

    def drop(self, device: str = "w-1", *, too_fast: bool = False) -> None:
        self.overload.note(Dropped(self.message(), device, too_fast))

    def tick(self, seconds: float = 1) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1)
            self.overload.tick()

    def alert(self, rule: str) -> Alert | None:
        alerts = self.records.alerts(patient_id=PLATFORM)
        return next((alert for alert in alerts if alert.rule == rule), None)

    def steps(self) -> list[tuple[str, str]]:
        found = []
        while (line := self.lines.next(0)) is not None:
            found.append((line.after.rule, line.step.value))
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.records.close()


def test_nothing_is_said_while_all_is_well(site: Site) -> None:
    site.queue.offer(site.message())
    site.tick(LATE_US // 10**6)
    assert site.overload.trouble() == {}
    assert site.steps() == []


def test_a_second_line_that_waits_is_told_with_the_names_of_those_apart(site: Site) -> None:
    site.queue.apart = frozenset({"w-2", "w-1"})
    site.tick()
    assert site.overload.trouble() == {}, "nobody waits"
    site.queue.held_at = site.clock.monotonic()
    site.tick()
    alerts = [site.alert(rule) for rule in (OVERLOAD_RULE, FLOOD_RULE)]
    assert [alert is not None and alert.active for alert in alerts] == [True, True]
    assert alerts[1] is not None
    assert alerts[1].evidence.text == "More than the limit comes from w-1, w-2; what is beyond it is dropped."
    site.tick(QUIET_S)
    assert site.overload.trouble() == {}
    assert site.overload.waiting_apart() == frozenset()


def test_dropping_is_told_and_ends_by_itself(site: Site) -> None:
    for _ in range(3):
        site.drop()
    site.tick()
    alert = site.alert(OVERLOAD_RULE)
    assert alert is not None
    assert (alert.kind, alert.active, alert.patient_id) == (Kind.TECHNICAL, True, PLATFORM)
    assert alert.evidence.text == (
        "Messages waiting to be stored: 0, the oldest live one for 0 s. Dropped, to be sent again: 3."
    )
    site.tick(QUIET_S - 2)
    assert OVERLOAD_RULE in site.overload.trouble()
    site.tick(2)
    assert site.overload.trouble() == {}
    ended = site.alert(OVERLOAD_RULE)
    assert ended is not None
    assert not ended.active
    assert site.steps() == [(OVERLOAD_RULE, "opened"), (OVERLOAD_RULE, "cleared")]


def test_a_live_message_that_waits_too_long_is_told(site: Site) -> None:
    site.queue.offer(site.message())
    site.tick(7)
    words = english(site.overload.trouble()[OVERLOAD_RULE])
    assert words == "Messages waiting to be stored: 1, the oldest live one for 7 s. Dropped, to be sent again: 0."
    site.queue.take(1, 10**9)
    site.tick(QUIET_S + 1)
    assert site.overload.trouble() == {}


def test_a_flood_by_one_device_is_another_alert_that_names_it(site: Site) -> None:
    for number in range(5):
        site.drop(f"w-{number}", too_fast=True)
    site.tick()
    alert = site.alert(FLOOD_RULE)
    assert alert is not None
    assert (
        alert.evidence.text == "More than the limit comes from w-0, w-1, w-2 and 2 more; what is beyond it is dropped."
    )
    assert site.alert(OVERLOAD_RULE) is None
    site.tick(QUIET_S)
    assert site.steps() == [(FLOOD_RULE, "opened"), (FLOOD_RULE, "resolved")]


def test_an_alert_of_the_run_before_ends_after_a_restart(site: Site) -> None:
    site.drop()
    site.tick()
    site.start()
    site.tick()
    ended = site.alert(OVERLOAD_RULE)
    assert ended is not None
    assert not ended.active


def test_trouble_that_comes_back_is_the_same_alert(site: Site) -> None:
    for _ in range(2):
        site.drop()
        site.tick(QUIET_S + 2)
    assert [step for _, step in site.steps()] == ["opened", "cleared", "recurred", "cleared"]
    assert len(site.records.alerts(patient_id=PLATFORM)) == 1


def test_analytics_takes_the_alert_over_from_the_log(site: Site) -> None:
    book = Book(site.records)
    book.load(site.clock.now_us())
    site.drop()
    site.tick()
    book.sync()
    alert = book.active(PLATFORM, OVERLOAD_RULE)
    assert alert is not None
    assert alert.next_due is not None, "so it is escalated when nobody takes it"
    site.tick(QUIET_S)
    book.sync()
    assert book.active(PLATFORM, OVERLOAD_RULE) is None
