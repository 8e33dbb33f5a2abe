"""All states of the small model of an alert, searched breadth first: none is stuck, nothing closes unseen, nothing is forgotten.

Times are abstract: each timer is unset, still to come, or due, and any that is to come may become due at any moment, whatever the
others do. That allows more histories than real time does, so what holds here holds there.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from tests.unit.domain.lives import HIGH, LOW, MEDIUM, NOW, finding
from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.lifecycle import (
    SNOOZE_AT_MOST,
    Accept,
    AcceptDue,
    Acknowledge,
    Amended,
    Assign,
    Began,
    CallDue,
    CallNextLevel,
    Confirmed,
    DataBack,
    DataLost,
    DeadlineReached,
    Eased,
    Ended,
    Event,
    HandOver,
    Passed,
    ReturnToList,
    Snooze,
    SnoozeEnded,
    Stamp,
    Suppress,
    Unsuppress,
    Withdraw,
    Worsened,
    apply,
    crossed_severe_limit,
)
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import DAY

DUE, TO_COME = NOW, NOW + DAY
TIMERS = ("deadline_at", "snoozed_until", "held_until", "accept_by")
PERSON = Stamp("command:1", NOW, "nurse", NOW)
VIGIL = Stamp("ordinal:1", NOW, "vigil", NOW)

State = Alert | None
Timed = DeadlineReached | SnoozeEnded | CallDue | AcceptDue


class Row(dict[str, Any]):
    """A limit's row of the evidence that a set can hold."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


def state_of(alert: Alert) -> Alert:
    """What decides its future: no identifiers, no texts, counters no further than they matter."""
    timers: dict[str, int | None] = {}
    for name in TIMERS:
        at = getattr(alert, name)
        timers[name] = at if at is None else DUE if at <= NOW else TO_COME
    evidence = Evidence("", limit=Row(alert.evidence.limit or {}))
    return replace(
        alert, alert_id="a", cause="", opened_at=NOW, updated_at=NOW, onset_at=NOW, version=1, recurrence=0, ended_at=None,
        escalation_level=min(alert.escalation_level, 1), resolved_at=NOW if alert.resolved_at else None, device_id="",
        evidence=evidence, acknowledged_at=None, title="", **timers,  # type: ignore[arg-type]
    )  # fmt: skip


@dataclass
class Model:
    """``begin``: what opens an alert; ``rule`` decides whether its limits are severe."""

    begin: list[Event]
    findings: list[Event] = field(default_factory=list)

    def events(self, alert: State) -> Iterator[Event]:
        yield from self.begin
        yield from self.findings
        if alert is None:
            return
        yield from (Ended(VIGIL, NOW), DataLost(VIGIL), DataBack(VIGIL), Amended(VIGIL, "Not so."))
        yield from (Suppress(VIGIL, "a-1"), Suppress(VIGIL, alert.alert_id), Unsuppress(VIGIL, "carrier closed"))
        yield from (HandOver(VIGIL, "incoming"), HandOver(VIGIL, ""))
        yield from (by_person(alert) for by_person in PEOPLE)
        yield from timer_events(alert)


PEOPLE: list[Callable[[Alert], Event]] = [
    lambda alert: Acknowledge(PERSON, alert.version),
    lambda alert: ReturnToList(PERSON, alert.version),
    lambda alert: Assign(PERSON, alert.version, "doctor"),
    lambda alert: CallNextLevel(PERSON, alert.version),
    lambda alert: Snooze(PERSON, alert.version, NOW + SNOOZE_AT_MOST[alert.priority], "known"),
    lambda alert: Accept(PERSON, alert.version),
    lambda _: Withdraw(PERSON, "limit changed"),
]


def timer_events(alert: Alert) -> Iterator[Timed]:
    """What time brings, each timer for itself."""
    for name, make in (
        ("deadline_at", DeadlineReached), ("snoozed_until", SnoozeEnded), ("held_until", CallDue), ("accept_by", AcceptDue)
    ):  # fmt: skip
        due = getattr(alert, name)
        if due is not None:
            yield make(VIGIL, due)


def from_outside(alert: State) -> Iterator[Alert]:
    """Time passes, or the budget holds back a call that would be made now."""
    if alert is None or not alert.open:
        return
    for name in TIMERS:
        if getattr(alert, name) == TO_COME:
            yield replace(alert, **{name: DUE})  # type: ignore[arg-type]
    silent = alert.snoozed_until or alert.suppressed_by or alert.held_until
    if alert.handling is Handling.UNACKNOWLEDGED and not silent:
        yield replace(alert, held_until=TO_COME)


def tried(alert: State, event: Event) -> Transition | None:
    try:
        return apply(alert, event, BEDSIDE_POLICY)
    except (InvalidInput, VersionConflict):
        return None


SEVERE = 80.0


def limit_events() -> list[Event]:
    """A limit with a severe one: medium beyond the one, high beyond the other; low by a policy of its own."""
    low, medium, high = (finding(p, limit=SEVERE if p is HIGH else 90) for p in (LOW, MEDIUM, HIGH))
    return [
        *(Began(VIGIL, one, begun_in_last_hour=often) for one in (low, medium, high) for often in (0, 2)),
        Began(VIGIL, medium, unknown=True),
        *(Worsened(VIGIL, one) for one in (medium, high)),
        *(Eased(VIGIL, one) for one in (low, medium)),
    ]


def score_events() -> list[Event]:
    """Without severe limits, so that something of high priority may be suppressed too."""
    medium, high = (finding(p, rule="news2") for p in (MEDIUM, HIGH))
    return [Began(VIGIL, medium), Began(VIGIL, high), Eased(VIGIL, medium)]


UNVERIFIED = "unverified.spo2.low"
MODELS = {
    "limit": Model(limit_events()),
    "score": Model(score_events()),
    "doubt": Model(
        [Began(VIGIL, finding(HIGH, Kind.TECHNICAL, UNVERIFIED, SEVERE))],
        [Confirmed(VIGIL, finding(HIGH, rule=UNVERIFIED)), Eased(VIGIL, finding(MEDIUM, rule=UNVERIFIED))],
    ),
    "past": Model([Passed(VIGIL, finding(priority), NOW) for priority in Priority]),
}


@dataclass
class Graph:
    lines: dict[State, list[tuple[Event, Transition]]]
    states: set[State]
    edges: int

    def open_states(self) -> list[Alert]:
        return [state for state in self.states if state is not None and state.open]


@cache
def graph(name: str) -> Graph:
    model = MODELS[name]
    found = Graph({}, {None}, 0)
    todo: deque[State] = deque([None])
    while todo:
        state = todo.popleft()
        made = [(event, line) for event in model.events(state) if (line := tried(state, event)) is not None]
        found.lines[state] = made
        onward = [state_of(line.after) for _, line in made] + list(from_outside(state))
        found.edges += len(onward)
        todo += (new := set(onward) - found.states)
        found.states |= new
    return found


@pytest.mark.parametrize(
    ("name", "states", "edges"),
    [("limit", 5000, 90_000), ("score", 3000, 40_000), ("doubt", 2500, 28_000), ("past", 100, 1000)],
)
def test_the_search_is_large(name: str, states: int, edges: int) -> None:
    found = graph(name)
    print(f"{name}: {len(found.states)} states, {found.edges} edges")
    assert len(found.states) >= states
    assert found.edges >= edges


def test_the_search_sees_every_step() -> None:
    seen = {line.step for name in MODELS for made in graph(name).lines.values() for _, line in made}
    assert seen == set(Step)
    doubts = {line.step for made in graph("doubt").lines.values() for _, line in made}
    assert set(Step) - doubts == {Step.SUPPRESSED, Step.UNSUPPRESSED}  # beyond a severe limit, whatever came later


@pytest.mark.parametrize("name", MODELS)
def test_from_every_open_state_people_alone_reach_resolved(name: str) -> None:
    found = graph(name)
    for start in found.open_states():
        seen, todo = {start}, [start]
        closed = False
        while todo and not closed:
            state = todo.pop()
            lines = [tried(state, by_person(state)) for by_person in PEOPLE]
            onward = {state_of(line.after) for line in lines if line is not None} - seen
            closed = any(not each.open for each in onward)
            seen |= onward
            todo += onward
        assert closed, start


@pytest.mark.parametrize("name", MODELS)
def test_nothing_closes_unseen_but_the_low_and_self_limited(name: str) -> None:
    closings: Counter[tuple[str, bool, str]] = Counter()
    for state, made in graph(name).lines.items():
        for event, line in made:
            if state is None or not state.open or line.after.open:
                continue
            seen = line.after.handling is Handling.ACKNOWLEDGED
            assert seen or state.peak_priority is LOW
            closings[type(event).__name__, seen, line.after.resolved_reason] += 1
    allowed = {
        ("Ended", True, "ended while acknowledged"),
        ("Ended", False, "ended by itself"),
        ("Acknowledge", True, "acknowledged after it ended"),
        ("Accept", True, "acknowledged after it ended"),
        ("Withdraw", True, "limit changed"),
        ("Amended", True, "Not so."),
    }
    seen_first = {each for each in allowed if each[1]}
    expected = {
        "limit": allowed,
        "score": seen_first,
        "doubt": seen_first,
        "past": {(name, True, "acknowledged after it ended") for name in ("Acknowledge", "Accept")},
    }
    assert set(closings) == expected[name]


@pytest.mark.parametrize("name", MODELS)
def test_every_active_alert_waits_for_a_time_and_a_snooze_for_its_end(name: str) -> None:
    for alert in graph(name).open_states():
        if alert.active:
            assert alert.deadline_at is not None
        if alert.cleared and alert.peak_priority is HIGH and alert.kind is Kind.PHYSIOLOGICAL:
            assert alert.deadline_at is not None or alert.retrospective
        assert (alert.snoozed_until is None) == (not alert.snooze_reason) == (not alert.snoozed_by)
        assert alert.held_until is None or alert.handling is Handling.UNACKNOWLEDGED
        assert alert.held_until is None or alert.snoozed_until is None
        acknowledged = alert.handling is Handling.ACKNOWLEDGED
        assert acknowledged == bool(alert.acknowledged_by)
        assert bool(alert.owner) == (acknowledged or alert.accept_by is not None)
        assert not (alert.suppressed_by and crossed_severe_limit(alert))


@pytest.mark.parametrize("name", MODELS)
def test_a_resolved_alert_waits_for_nothing(name: str) -> None:
    for alert in graph(name).states:
        if alert is not None and not alert.open:
            assert (alert.condition, alert.next_due) == (Condition.FALSE, None)
            assert (alert.suppressed_by, alert.snoozed_by, alert.resolved_at is None) == ("", "", False)
            assert (alert.handling is Handling.ACKNOWLEDGED) == bool(alert.owner)


@pytest.mark.parametrize("name", MODELS)
def test_a_due_time_fires_once(name: str) -> None:
    for alert in graph(name).open_states():
        for event in timer_events(alert):
            line = apply(alert, event, BEDSIDE_POLICY)
            if isinstance(event, CallDue) or event.due == DUE:
                assert line is not None
                assert apply(line.after, event, BEDSIDE_POLICY) is None
            else:
                assert line is None


CALLS = {Step.ESCALATED, Step.REALARMED, Step.SNOOZE_ENDED, Step.CALLED}


@pytest.mark.parametrize("name", ["limit", "score", "doubt"])
def test_time_alone_makes_every_active_alert_call(name: str) -> None:
    """Whatever people have done and then left: no data, nobody, only time. What carries a suppressed alert calls in its place."""
    for start in graph(name).open_states():
        if not start.active or start.suppressed_by:
            continue
        todo, seen, called = [start], {start}, False
        while todo and not called:
            state = todo.pop()
            onward = {replace(state, **{name: DUE}) for name in TIMERS if getattr(state, name) == TO_COME}  # type: ignore[arg-type]
            for event in timer_events(state):
                line = tried(state, event)
                if line is not None:
                    found = line.after
                    waits = found.handling is Handling.UNACKNOWLEDGED and found.snoozed_until is None
                    called = called or (line.step in CALLS and waits and found.held_until is None)
                    onward.add(state_of(found))
            todo += onward - seen
            seen |= onward
        assert called, start
