"""Somebody wants values now: a device is told once, and what it says is kept with the question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.ingest.test_presence import NOW, Site
from vigil.domain.measuring import SHOWN_US, STANDS_US, TOLD_WITHIN_US, Asked
from vigil.domain.times import SECOND


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path)
    yield opened
    opened.records.close()


def ask(site: Site) -> Asked:
    return site.asking.ask("w-1", "Li Na", site.clock.now_us())


def now_shown(site: Site) -> Asked:
    return site.asking.shown(site.clock.now_us())["w-1"]


def test_it_is_told_once_and_its_answer_is_kept(site: Site) -> None:
    ask(site)
    site.later(1)
    site.later(1)
    assert site.sent("measure") == [{"request": NOW // SECOND}]
    site.say("d/w-1/res/measure", {"request": NOW // SECOND, "accepted": False, "text": "off the skin"}, wait_s=0)
    assert now_shown(site) == Asked("Li Na", NOW, NOW + SECOND, False, "off the skin")
    site.clock.advance(SHOWN_US / SECOND)
    assert site.asking.shown(site.clock.now_us()) == {}


def test_whoever_asks_again_at_once_gets_the_same_question(site: Site) -> None:
    first = ask(site)
    site.later(STANDS_US / SECOND - 1)
    assert ask(site) == Asked(first.by, first.at, told_at=site.clock.now_us())
    site.later(1)
    assert ask(site) == Asked("Li Na", NOW + STANDS_US)
    site.later(1)
    assert [one["request"] for one in site.sent("measure")] == [NOW // SECOND, (NOW + STANDS_US) // SECOND]


@pytest.mark.parametrize(("away_s", "told"), [(TOLD_WITHIN_US // SECOND, 1), (TOLD_WITHIN_US // SECOND + 1, 0)])
def test_one_that_is_away_is_told_when_it_comes_back_soon(site: Site, away_s: int, told: int) -> None:
    site.say("d/w-1/state", b"offline", wait_s=46)
    ask(site)
    site.later(1)
    assert now_shown(site).told_at is None
    site.clock.advance(away_s - 1)
    site.say("d/w-1/state", b"online", wait_s=0)
    site.later(0)
    assert len(site.sent("measure")) == told


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"[" * 4000, "unreadable"),
        ({"accepted": True}, "unreadable"),
        ({"request": NOW // SECOND - 1, "accepted": True}, "other_request"),
    ],
)
def test_what_answers_nothing_is_counted(site: Site, payload: bytes | dict[str, object], why: str) -> None:
    ask(site)
    site.say("d/w-1/res/measure", payload)
    assert now_shown(site).accepted is None
    assert site.count(f'ingest_results_refused_total{{why="{why}"}}') == 1
