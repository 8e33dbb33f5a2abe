"""Who looks at which alert: told to whoever sees it, forgotten when the card is closed or nothing more is heard of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.care import WHOLE
from api.live import LiveHub
from api.looking import LIFE_US, MOST_OF_ONE
from tests.unit.api.site import START, Site
from tests.unit.api.test_care_stream import Connect, live, until
from tests.unit.api.two_wards import OWN, Ask, TwoWards, open_two_wards, principal
from vigil.domain.alerts import Alert
from vigil.domain.times import SECOND

PATH = "/api/v1/screens/looking"
SCREEN, OTHER = "5b3c0a52-5a0e-4a35", "8d1f11aa-77aa-4c1b"


@pytest.fixture
def both(tmp_path: Path) -> Iterator[TwoWards]:
    opened = open_two_wards(tmp_path)
    yield opened
    opened.site.close()


@pytest.fixture
def alert(site: Site) -> Alert:
    site.admit("p-1")
    return site.raise_alert("p-1")


def said(site: Site, alert: Alert, looking: bool = True, screen: str = SCREEN, **who: str) -> int:
    body = {"alert_id": alert.alert_id, "screen": screen, "looking": looking}
    return site.post(PATH, body, who.pop("role", "nurse"), **who).status_code


def looks(site: Site) -> list[list[str]]:
    return [one["by"] for one in site.context.looking.seen(WHOLE)]


def test_a_card_is_known_while_it_is_open(site: Site, alert: Alert) -> None:
    assert said(site, alert) == said(site, alert, name="Zhou") == 204
    assert looks(site) == [["Li Na", "Zhou"]]
    assert said(site, alert, False) == 204
    assert looks(site) == [["Zhou"]]


def test_whoever_looks_on_two_screens_is_named_once_and_until_both_are_closed(site: Site, alert: Alert) -> None:
    for screen in (SCREEN, OTHER):
        said(site, alert, screen=screen)
    assert looks(site) == [["Li Na"]]
    said(site, alert, False)
    assert looks(site) == [["Li Na"]]
    said(site, alert, False, OTHER)
    assert looks(site) == []


def test_a_page_that_says_nothing_more_is_gone_and_a_clock_put_back_keeps_nobody(site: Site, alert: Alert) -> None:
    said(site, alert)
    site.clock.advance(LIFE_US / SECOND - 1)
    said(site, alert, name="Zhou")
    site.clock.advance(1)
    assert looks(site) == [["Zhou"]]
    site.clock.jump_to(START - 3600 * SECOND)
    assert looks(site) == []


def test_only_who_may_act_looks_and_only_at_what_is_there(site: Site, alert: Alert) -> None:
    assert said(site, alert, role="auditor") == 403
    assert said(site, dataclasses.replace(alert, alert_id="a-9")) == 404
    assert said(site, alert, screen="x y") == 422
    assert looks(site) == []


def test_it_is_in_no_log_and_no_sign_that_somebody_sits_there(both: TwoWards) -> None:
    nurse, ask = both.nurse, Ask("POST", PATH, {"alert_id": both.own.alert_id, "screen": SCREEN, "looking": True})
    revision, seq = both.site.records.revision(), both.site.records.last_seq()
    entries = len(both.one(Ask("GET", "/api/v1/audit"), both.whole).json()["items"])
    assert both.one(ask, nurse).status_code == 204
    assert (both.site.records.revision(), both.site.records.last_seq()) == (revision, seq)
    assert len(both.one(Ask("GET", "/api/v1/audit"), both.whole).json()["items"]) == entries + 1  # that one was read
    both.site.clock.advance(both.site.deps.sessions.idle_us / SECOND / 2)
    both.one(ask, nurse)
    both.site.clock.advance(both.site.deps.sessions.idle_us / SECOND / 2)
    assert both.one(ask, nurse).status_code == 403


def test_the_stream_tells_whoever_sees_the_alert_and_only_what_changed(both: TwoWards) -> None:
    async def script(hub: LiveHub, connect: Connect) -> None:
        looking, records = both.site.context.looking, both.site.records
        ours, theirs = records.alert(both.own.alert_id), records.alert(both.other.alert_id)
        nurse, chief = connect(principal([OWN])), connect(principal(None))
        assert [(await one.next())[0] for one in (nurse, chief)] == ["snapshot", "snapshot"]
        for one in (ours, theirs):
            looking.tell(principal(None, "Zhou"), one, SCREEN, True)
        await hub.tick()
        assert await until(nurse, "looking") == {"items": [{"alert_id": ours.alert_id, "by": ["Zhou"]}]}
        everything = (await chief.until("looking"))[2]["items"]
        assert {one["alert_id"] for one in everything} == {ours.alert_id, theirs.alert_id}
        looking.tell(principal(None, "Zhou"), ours, SCREEN, True)  # the same again
        await hub.tick()
        late = connect(principal([OWN]))
        assert [(await late.next())[0] for _ in range(2)] == ["snapshot", "looking"]
        both.site.clock.advance(LIFE_US / SECOND)
        await hub.tick()
        for reader in (nurse, late):  # until it is told, or the test waits in vain
            while (await until(reader, "looking"))["items"]:
                pass

    live(both, script)


def test_memory_is_bounded(site: Site, alert: Alert) -> None:
    names = [f"a-{number}" for number in range(MOST_OF_ONE + 5)]
    for name in names:
        site.context.looking.tell(principal(None), dataclasses.replace(alert, alert_id=name), SCREEN, True)
    assert [one["alert_id"] for one in site.context.looking.seen(WHOLE)] == names[5:]
