"""What devices say beside telemetry: presence, questions for the time, answers to their settings."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from ingest.again import FIRST_AGAIN_S, LONGEST_AGAIN_S
from ingest.talk import MOST_WAITING, Talk
from vigil.bus.board import Bus
from vigil.domain.device_settings import Answer, DeviceSettings, Limit
from vigil.domain.errors import StoreError
from vigil.domain.people import Device
from vigil.domain.presence import connection
from vigil.runtime.broker.accounts import GATEWAY_PREFIX
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.runtime.mqtt import Message
from vigil.store.records import SqlRecordStore
from vigil.wire import topics

NOW = 1_767_225_600_000_000
WANTED = DeviceSettings("w-1", {"heart_rate": 5.0}, {"spo2": Limit(low=88)}, "Dr Wang", "at night", NOW)


class Site:
    """The talk of one core, with real records, and what it published."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW)
        self.records = SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", Fernet.generate_key())
        self.records.put_device(Device("w-1", "patch-2", {"heart_rate": 1.0, "spo2": 2.0}))
        self.metrics = Metrics()
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.start()

    def start(self) -> None:
        """A core, with nothing in its memory."""
        bus = Bus()
        self.book, self.asking = bus.presence, bus.asking
        self.told: list[tuple[str, bytes]] = []
        self.talk = Talk(
            "home",
            self.records,
            bus,
            self.publish,
            self.clock,
            self.metrics,
            returned=lambda device_id: self.told.append((device_id, b"is back")),
            denied=lambda device_id, payload: self.told.append((device_id, payload)),
        )

    def publish(self, topic: str, payload: bytes) -> None:
        self.published.append((topic, json.loads(payload)))

    def say(self, topic: str, payload: bytes | dict[str, Any], wait_s: float = 2.0) -> None:
        """A device says it, the network thread hears it, ingest deals with it, and some time goes by."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        assert self.talk.hear(Message(f"rpm/v1/home/{topic}", body, 1, 1, 1, self.clock.now_us()))
        self.talk.flush()
        self.later(wait_s)

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.talk.flush()

    def state(self, name: str = "w-1") -> str:
        return connection(self.book.get(name), (), self.clock.now_us()).state.value

    def sent(self, name: str) -> list[dict[str, Any]]:
        """Contents of the commands of this name, which are then forgotten."""
        topic = f"rpm/v1/home/d/w-1/cmd/{name}"
        found = [content for at, content in self.published if at == topic]
        self.published = [one for one in self.published if one[0] != topic]
        return found

    def count(self, line: str) -> float:
        """A counter as /metrics shows it; 0 before it first counted."""
        lines = self.metrics.text().decode().splitlines()
        return sum(float(one.rpartition(" ")[2]) for one in lines if one.startswith(line + " "))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path)
    yield opened
    opened.records.close()


def test_a_reconnection_is_counted_as_such_and_an_absence_as_a_change(site: Site) -> None:
    site.say("d/w-1/state", b"online")
    site.say("d/w-1/state", b"offline", wait_s=30)
    site.say("d/w-1/state", b"online")
    assert site.state() == "online"
    assert site.count("ingest_presence_returns_total") == 1
    assert site.count('ingest_presence_changes_total{state="offline"}') == 0
    site.say("d/w-1/state", b"offline", wait_s=44)
    assert site.state() == "online"
    site.later(1)
    assert site.state() == "offline"
    assert site.count('ingest_presence_changes_total{state="offline"}') == 1
    site.say("d/w-1/state", b"online")
    assert site.count('ingest_presence_changes_total{state="online"}') == 2
    assert site.count("ingest_presence_returns_total") == 1


def test_after_a_restart_the_retained_words_come_again(site: Site) -> None:
    site.say("d/w-1/state", b"online")
    site.start()
    assert site.state() == "unknown"
    site.say("d/w-1/state", b"online")
    site.say("g/g-1/state", b"offline", wait_s=45)
    assert (site.state(), site.state("g-1")) == ("online", "offline")


def test_a_word_that_is_none_changes_nothing_and_a_removed_one_is_forgotten(site: Site) -> None:
    site.say("d/w-1/state", b"online")
    site.say("d/w-1/state", b"sleeping")
    assert (site.state(), site.count("ingest_presence_refused_total")) == ("online", 1)
    site.say("d/w-1/state", b"offline")
    site.say("d/w-1/state", b"", wait_s=100)
    assert (site.state(), site.book) == ("unknown", {})


@pytest.mark.parametrize("topic", ["d/w-1/tel/vitals", "d/w-1/evt/fall", "d/g-1/state", "g/g-1/res/time", "d/w+/state"])
def test_other_topics_are_no_talk(site: Site, topic: str) -> None:
    assert not site.talk.hear(Message(f"rpm/v1/home/{topic}", b"online", 1, 1, 1, NOW))


def test_the_names_of_gateways_are_those_of_the_account_rules() -> None:
    assert topics.GATEWAY_PREFIX == GATEWAY_PREFIX


def test_the_time_is_told_at_each_connection(site: Site) -> None:
    site.say("d/w-1/state", b"online")
    assert site.sent("time") == [{"server_at": NOW / 1e6, "server_ms": NOW // 1000, "uncertainty_s": 0}]
    site.say("d/w-1/state", b"online")
    assert len(site.sent("time")) == 1
    site.published.clear()
    site.say("g/g-1/state", b"online")
    assert site.published == []


def test_the_other_steps_hear_who_is_back_and_what_a_device_has_no_more(site: Site) -> None:
    for word in (b"online", b"offline", b"online", b"online?"):
        site.say("d/w-1/state", word)
    site.say("g/g-1/state", b"online")
    site.say("d/w-1/res/backfill", b'{"epoch":7,"from":1,"to":2}')
    assert site.told == [("w-1", b"is back"), ("w-1", b"is back"), ("w-1", b'{"epoch":7,"from":1,"to":2}')]


def test_a_question_comes_back_with_its_number_and_how_long_it_waited(site: Site) -> None:
    site.talk.hear(Message("rpm/v1/home/d/w-1/res/time", b'{"asked": 12}', 1, 1, 1, site.clock.now_us()))
    site.clock.advance(0.75)
    site.talk.flush()
    (told,) = site.sent("time")
    assert told == {"server_at": NOW / 1e6 + 0.75, "server_ms": NOW // 1000 + 750, "uncertainty_s": 0.75, "asked": 12}
    site.say("d/w-1/res/time", b"", wait_s=0)
    assert site.sent("time") == []
    assert site.count('ingest_results_refused_total{why="too_often"}') == 1
    site.later(1)
    for question in (b"", b"what time is it", b'{"asked": 1e999}'):
        site.say("d/w-1/res/time", question)
    assert [("asked" in one) for one in site.sent("time")] == [False] * 3


def test_settings_are_told_confirmed_and_then_expected(site: Site) -> None:
    site.say("d/w-1/state", b"online")
    assert site.sent("config") == []
    site.records.put_settings(WANTED)
    site.later(1)
    assert site.sent("config") == [{"version": 1, "interval_s": {"hr": 5.0}, "limits": {"spo2": {"low": 88}}}]
    assert site.records.devices() == [Device("w-1", "patch-2", {"heart_rate": 1.0, "spo2": 2.0})]
    answered = site.clock.now_us()
    site.say("d/w-1/res/config", {"version": 1, "accepted": True})
    assert site.records.devices() == [Device("w-1", "patch-2", {"heart_rate": 5.0, "spo2": 2.0})]
    (stored,) = site.records.settings_history("w-1")
    assert stored.answer == Answer(True, "", answered)
    site.later(2 * LONGEST_AGAIN_S)
    assert site.sent("config") == []
    site.say("d/w-1/state", b"online")
    assert [one["version"] for one in site.sent("config")] == [1]


def test_what_is_not_answered_is_told_again_with_back_off_but_not_to_who_is_away(site: Site) -> None:
    site.records.put_settings(WANTED)
    waits = []
    for _ in range(3 * 120):
        site.later(30)
        waits += [site.clock.monotonic()] * len(site.sent("config"))
    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert gaps == [60, 120, 240, 480, 960, 1920, 3600]
    site.say("d/w-1/state", b"offline", wait_s=100)
    site.later(2 * LONGEST_AGAIN_S)
    assert site.sent("config") == []
    site.say("d/w-1/state", b"online")
    assert len(site.sent("config")) == 1
    site.later(FIRST_AGAIN_S)
    assert len(site.sent("config")) == 1


def test_a_refusal_is_kept_with_its_words_and_changes_nothing_that_is_expected(site: Site) -> None:
    site.records.put_settings(WANTED)
    site.say("d/w-1/res/config", {"version": 1, "accepted": False, "text": "shortest interval is 10 s" + "!" * 300})
    (stored,) = site.records.settings_history("w-1")
    assert stored.answer is not None
    assert (stored.answer.accepted, len(stored.answer.text)) == (False, 200)
    assert site.records.devices()[0].interval_s["heart_rate"] == 1.0


def test_a_late_word_about_an_older_version_changes_nothing(site: Site) -> None:
    site.records.put_settings(WANTED)
    site.records.put_settings(WANTED)
    site.say("d/w-1/res/config", {"version": 2, "accepted": True})
    for answer in (b"yes", b'{"version":1,"accepted":false}', b'{"version":3,"accepted":true}', b"[" * 9000):
        site.say("d/w-1/res/config", answer)
    assert [one.answer and one.answer.accepted for one in site.records.settings_history("w-1")] == [True, None]
    assert site.count('ingest_results_refused_total{why="other_version"}') == 2
    assert site.count('ingest_results_refused_total{why="unreadable"}') == 2
    site.say("d/w-1/res/config", {"version": 2, "accepted": True}, wait_s=0)
    site.say("d/w-1/res/config", {"version": 2, "accepted": False})
    assert site.count('ingest_results_refused_total{why="too_often"}') == 1
    site.say("d/w-1/res/song", b"la")
    assert site.count('ingest_results_refused_total{why="unknown_name"}') == 1


def test_a_core_that_starts_again_goes_on_asking(site: Site) -> None:
    site.records.put_settings(WANTED)
    site.later(1)
    site.start()
    site.later(1)
    assert [one["version"] for one in site.sent("config")] == [1, 1]


def test_a_database_that_fails_is_said_once_and_ends_nothing(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(site.records, "revision", broken)
        site.later(1)
        site.later(1)
        site.say("d/w-1/state", b"online")
    assert caplog.text.count("the disk is full") == 1
    site.records.put_settings(WANTED)
    site.later(1)
    assert len(site.sent("config")) == 1


def test_what_waits_is_bounded(site: Site) -> None:
    for _ in range(MOST_WAITING + 3):
        site.talk.hear(Message("rpm/v1/home/d/w-1/res/time", b"", 1, 1, 1, NOW))
    assert site.count("ingest_results_dropped_total") == 3
    site.talk.flush()
    assert len(site.sent("time")) == 1
