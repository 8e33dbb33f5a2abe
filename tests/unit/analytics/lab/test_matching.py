"""The drawn table of "caught": page "How alert quality is measured", version 1, section "Words"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.lab.alarms import Alarm, Lane, by_patient
from analytics.lab.labels import Event, Labels
from analytics.lab.matching import Outcome, matched
from tests.unit.analytics.lab.given import alarm, at, event


def of(alarms: list[Alarm], *events: Event) -> list[Outcome]:
    return matched(Labels("a test", events).of_patient(), by_patient(alarms))


EVENT = event("e-1", 100, 200)

#: alarm → minutes of lead, None = missed
CAUGHT: dict[str, tuple[Alarm, float | None]] = {
    "a new notice inside": (alarm("a", 150), 50),
    "at the onset": (alarm("a", 100), 100),
    "at the critical time": (alarm("a", 200), 0),
    "a moment after the critical time": (alarm("a", 200.01), None),
    "before the onset": (alarm("a", 99), None),
    "stood before the onset and calls again inside": (alarm("a", 99, (99, 150)), None),
    "an unverified critical value": (alarm("a", 150, lane=Lane.UNVERIFIED), 50),
    "a technical alert": (alarm("a", 150, lane=Lane.TECHNICAL), None),
    "opens inside and calls later inside": (alarm("a", 120, (160, 170)), 40),
    "opens inside and calls after the critical time": (alarm("a", 190, (210,)), None),
    "stands in the list only": (alarm("a", 150, (), listed=150), None),
    "carried by another alert": (alarm("a", 150, (), shown=False), None),
    "of another patient": (alarm("a", 150, patient="p-2"), None),
}


@pytest.mark.parametrize(("given_alarm", "lead_min"), CAUGHT.values(), ids=CAUGHT)
def test_what_catches_an_event(given_alarm: Alarm, lead_min: float | None) -> None:
    (outcome,) = of([given_alarm], EVENT)
    assert outcome.lead_s == (None if lead_min is None else pytest.approx(lead_min * 60))
    assert outcome.caught == (lead_min is not None)
    assert bool(outcome.why) != outcome.caught


def test_one_alert_catches_one_event_only() -> None:
    twice = alarm("a", 120, (120, 320))
    outcomes = of([twice], EVENT, event("e-2", 90, 400))
    assert [(each.event.event_id, each.caught) for each in outcomes] == [("e-2", True), ("e-1", False)]


def test_the_earliest_notice_counts_whichever_alert_gave_it() -> None:
    (outcome,) = of([alarm("a", 101, (180,)), alarm("b", 150)], EVENT)
    assert outcome.alarm is not None
    assert (outcome.alarm.alert_id, outcome.notice_at) == ("b", at(150))


@pytest.mark.parametrize(
    ("alarms", "said"),
    [
        ([], "no new notice"),
        ([alarm("a", 90, (90, 150))], "news2, which stood before the onset"),
        ([alarm("a", 150, (), listed=150)], "stood in the list"),
        ([alarm("a", 150, (), shown=False)], "carried by another alert"),
        ([alarm("a", 205)], "5 min after the critical time"),
        ([alarm("a", 150, lane=Lane.TECHNICAL)], "technical alerts only"),
    ],
)
def test_a_miss_says_what_there_was_instead(alarms: list[Alarm], said: str) -> None:
    (outcome,) = of(alarms, EVENT)
    assert said in outcome.why


@pytest.mark.parametrize(("worse", "told"), [((), False), ((150,), True), ((210,), False)])
def test_a_miss_knows_of_an_alert_that_stood_and_became_worse_in_time(worse: tuple[float, ...], told: bool) -> None:
    stood = alarm("a", 90, (90, 150, 210))
    stood.worse = [at(each) for each in worse]
    (outcome,) = of([stood], EVENT)
    assert (outcome.caught, outcome.told_worse) == (False, told)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=12),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 80)), min_size=1, max_size=5),
)
def test_more_alarms_never_catch_less_and_none_catches_twice(
    drawn: list[tuple[int, int]], spans: list[tuple[int, int]]
) -> None:
    events = [event(f"e-{number}", onset, onset + length) for number, (onset, length) in enumerate(spans)]
    alarms = [alarm(f"a-{number}", opened, (opened + later,)) for number, (opened, later) in enumerate(drawn)]
    few, many = of(alarms[: len(alarms) // 2], *events), of(alarms, *events)
    assert sum(each.caught for each in few) <= sum(each.caught for each in many)
    used = [each.alarm.alert_id for each in many if each.alarm is not None]
    assert len(used) == len(set(used))
