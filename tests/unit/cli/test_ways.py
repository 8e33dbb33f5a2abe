"""Telling people: at once, again and again, that it works again, and whatever one way does."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from analytics.notify.channel import Message, Outcome
from cli.watchdog.round_trip import Trouble
from cli.watchdog.start import ways_of
from cli.watchdog.ways import RETRY_S, WORKS_AGAIN, ByChannel, ByCommand, News, Teller
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.runtime.channels import EmailSettings
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import Settings, WatchdogSettings, load

REPEAT_S = 300
WORDS = "The alert of the self-test does not come."


@dataclass
class Way:
    name: str = "pager"
    why: str = ""
    told: list[News] = field(default_factory=list)

    def tell(self, news: News) -> str:
        self.told.append(news)
        return self.why


@dataclass
class Rig:
    clock: ManualClock
    ways: list[Way]

    def __post_init__(self) -> None:
        self.teller = Teller(self.ways, REPEAT_S, self.clock)
        self.trouble: Trouble | None = None

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.teller.take(self.trouble)
            self.clock.advance(1)

    def fail(self) -> None:
        self.trouble = Trouble(self.clock.monotonic() - 60, WORDS)


@pytest.fixture
def rig() -> Rig:
    clock = ManualClock()
    clock.advance(1000)
    return Rig(clock, [Way(), Way("mail")])


def test_nobody_is_told_while_all_is_well(rig: Rig) -> None:
    rig.run(1000)
    assert rig.ways[0].told == []


def test_everybody_is_told_at_once_again_and_at_the_end(rig: Rig) -> None:
    rig.fail()
    began = rig.clock.now_us() - 60_000_000
    rig.run(REPEAT_S * 2 + 10)
    rig.trouble = None
    rig.run(REPEAT_S * 2)
    for way in rig.ways:
        assert [news.works for news in way.told] == [False, False, False, True]
        assert {news.since for news in way.told} == {began}
        assert [news.text for news in way.told] == [WORDS] * 3 + [WORKS_AGAIN]
        assert len({news.number for news in way.told}) == 4
        seconds = [(news.at - began) // 1_000_000 for news in way.told]
        assert seconds == [60, 60 + REPEAT_S, 60 + 2 * REPEAT_S, 60 + 2 * REPEAT_S + 10]


def test_a_way_that_fails_is_tried_again_soon_and_holds_up_no_other(rig: Rig) -> None:
    broken, whole = rig.ways
    broken.why = "no connection"
    rig.fail()
    rig.run(round(RETRY_S) * 3)
    assert (len(broken.told), len(whole.told)) == (3, 1)
    broken.why = ""
    rig.run(round(RETRY_S) + REPEAT_S // 2)
    assert len(broken.told) == 4


def test_who_has_not_heard_of_the_trouble_hears_nothing_of_its_end(rig: Rig) -> None:
    broken, whole = rig.ways
    broken.why = "no connection"
    rig.fail()
    rig.run(20)
    rig.trouble, broken.why = None, ""
    rig.run(100)
    assert [news.works for news in broken.told] == [False, False]
    assert [news.works for news in whole.told] == [False, True]


def test_the_end_is_told_until_it_is_heard_and_a_new_trouble_at_once(rig: Rig) -> None:
    broken, whole = rig.ways
    rig.fail()
    rig.run(5)
    rig.trouble, broken.why = None, "no connection"
    rig.run(5)
    rig.fail()
    broken.why = ""
    rig.run(5)
    assert [news.works for news in broken.told] == [False, True, False]
    assert [news.works for news in whole.told] == [False, True, False]
    assert whole.told[2].since > whole.told[0].since


def test_the_log_says_it_without_any_way(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(ManualClock(), [])
    with caplog.at_level(logging.WARNING):
        rig.fail()
        rig.run(REPEAT_S + 5)
        rig.trouble = None
        rig.run(5)
    said = [record.getMessage() for record in caplog.records]
    assert [WORDS in text for text in said] == [True, True, False]
    assert said[2] == WORKS_AGAIN


# --- the ways themselves ----------------------------------------------------------------------------------------------


@dataclass
class Channel:
    outcome: Outcome
    name: str = "ops"
    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        return self.outcome


def news(works: bool = False, number: int = 1) -> News:
    return News(works, WORKS_AGAIN if works else WORDS, 1_767_225_600_000_000, 1_767_225_700_000_000, number)


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome(State.DELIVERED), ""),
        (Outcome(State.SENT), ""),
        (Outcome(State.QUEUED, "the receiver answered 503"), "the receiver answered 503"),
        (Outcome(State.FAILED), "failed"),
    ],
)
def test_a_channel_counts_as_told_when_it_took_the_notice(outcome: Outcome, why: str) -> None:
    assert ByChannel(Channel(outcome), "").tell(news()) == why


def test_a_repeat_is_a_notice_of_its_own_about_the_same_alert() -> None:
    channel = Channel(Outcome(State.DELIVERED))
    way = ByChannel(channel, "https://vigil.example/")
    for each in (news(), news(number=2), news(works=True, number=3)):
        way.tell(each)
    alerts = [message.line.after for message in channel.sent]
    assert len({alert.alert_id for alert in alerts}) == 1
    assert len({message.delivery.delivery_id for message in channel.sent}) == 3
    assert [alert.open for alert in alerts] == [True, True, False]
    assert {alert.patient_id for alert in alerts} == {""}


@pytest.fixture
def written(tmp_path: Path) -> tuple[str, Path]:
    """A command that writes down what it was given."""
    script, out = tmp_path / "tell me.py", tmp_path / "out.json"
    given = "[sys.argv[1:], os.environ['VIGIL_WATCHDOG_STATE'], os.environ['VIGIL_WATCHDOG_TEXT']]"
    script.write_text(f"import json, os, sys\njson.dump({given}, open({str(out)!r}, 'w'))\n")
    return f"{sys.executable} '{script}' --level high", out


def test_a_command_is_given_the_words(written: tuple[str, Path]) -> None:
    command, out = written
    assert ByCommand(command).tell(news()) == ""
    assert json.loads(out.read_text()) == [["--level", "high", WORDS], "trouble", WORDS]
    assert ByCommand(command).tell(news(works=True)) == ""
    assert json.loads(out.read_text())[1] == "works"
    assert "VIGIL_WATCHDOG_STATE" not in os.environ


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (f"{sys.executable} -c 'raise SystemExit(3)'", "the command ended with 3"),
        ("no-such-program-of-vigil", "the command failed: FileNotFoundError"),
    ],
)
def test_a_command_that_fails_says_why(command: str, why: str) -> None:
    assert ByCommand(command).tell(news()) == why


def mail(name: str) -> EmailSettings:
    return EmailSettings(
        kind="email", name=name, host="relay.example", sender="vigil@ward.example", recipients={"*": "ops@ward.example"}
    )


def test_all_channels_tell_unless_some_are_named() -> None:
    channels = (mail("one"), mail("two"))
    clock = ManualClock()

    def names(**chosen: object) -> list[str]:
        settings = Settings(channel=channels, watchdog=WatchdogSettings.model_validate(chosen))
        return [way.name for way in ways_of(settings, "", clock)]

    assert names() == ["one", "two"]
    assert names(channels=["two"], command="true") == ["two", "command"]
    assert names(channels=[]) == []
    with pytest.raises(ConfigError, match="three"):
        names(channels=["three"])
    with pytest.raises(ConfigError, match=r"watchdog\.command"):
        names(command="say 'open")


def test_a_silence_in_which_no_round_has_room_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vigil.toml"
    file.write_text("[watchdog]\npulse_s = 20\n")
    with pytest.raises(ConfigError, match="silence_s must be at least 6 times pulse_s"):
        load(file, environ={})
    file.write_text("[watchdog]\npulse_s = 20\nsilence_s = 120\n")
    assert load(file, environ={}).watchdog.silence_s == 120
