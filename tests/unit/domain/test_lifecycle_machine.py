"""One (patient, rule) under any sequence of events: readings, time, people, other alerts, restarts, wrong versions, repeats.

The machine keeps what a store keeps: the log, each cause once. A restart forgets everything but the log, written and read back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.unit.domain.lives import ESCALATE, HIGH, LOW, NOW, finding
from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority, Step, Transition
from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.lifecycle import (
    ACCEPT_WITHIN,
    SNOOZE_AT_MOST,
    SNOOZES_AT_MOST,
    Accept,
    AcceptDue,
    Acknowledge,
    Amended,
    Assign,
    Began,
    CallDue,
    CallNextLevel,
    Command,
    Confirmed,
    DataBack,
    DataLost,
    DeadlineReached,
    Eased,
    Ended,
    Event,
    Finding,
    HandOver,
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
from vigil.domain.times import MINUTE, SECOND
from vigil.store.records.documents import alert_of, alert_row

HELD_AT_MOST = 10 * MINUTE
PEOPLE = st.sampled_from(["nurse", "other", "incoming"])
TIMERS: dict[str, Callable[[Stamp, int], Event]] = {
    "deadline_at": DeadlineReached,
    "snoozed_until": SnoozeEnded,
    "held_until": CallDue,
    "accept_by": AcceptDue,
}
CLOSING = Ended | Amended | Withdraw | Acknowledge | Accept
TAPS: dict[str, Callable[[Stamp, int], Command]] = {
    "acknowledge": Acknowledge,
    "return": ReturnToList,
    "accept": Accept,
    "assign": lambda stamp, version: Assign(stamp, version, "doctor"),
    "escalate": CallNextLevel,
    "snooze": lambda stamp, version: Snooze(stamp, version, stamp.at + MINUTE, "known"),
}


class AnyLife(RuleBasedStateMachine):
    sequences: ClassVar[int] = 0
    events: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        AnyLife.sequences += 1
        self.now = NOW
        self.log: list[Transition] = []
        self.told: list[Event | int] = []
        self.live: Alert | None = None
        self.counter = 0

    @initialize(priority=st.sampled_from(Priority), doubt=st.booleans())
    def begin(self, priority: Priority, doubt: bool) -> None:
        self.rule = "unverified.spo2.low" if doubt else "limit.spo2.low"
        self.happen(Began(self.stamp(), self.finding(priority, Kind.TECHNICAL if doubt else Kind.PHYSIOLOGICAL)))

    def finding(self, priority: Priority, kind: Kind = Kind.PHYSIOLOGICAL) -> Finding:
        return finding(priority, kind, self.rule, 80 if priority is HIGH else 90)

    def stamp(self, actor: str = "vigil") -> Stamp:
        self.now += SECOND
        self.counter += 1
        cause = f"ordinal:{self.counter}" if actor == "vigil" else f"command:{self.counter}"
        return Stamp(cause, self.now, actor, self.now - SECOND)

    def happen(self, event: Event) -> bool:
        """Did it change anything? A person's command that is refused did not."""
        AnyLife.events += 1
        before = self.live
        try:
            line = apply(before, event, BEDSIDE_POLICY)
        except (InvalidInput, VersionConflict):
            assert isinstance(event, Command)
            return False
        if line is None or line.cause in {each.cause for each in self.log}:
            return False
        self.check(before, event, line)
        self.log.append(line)
        self.told.append(event)
        self.live = line.after
        return True

    def check(self, before: Alert | None, event: Event, line: Transition) -> None:
        found = line.after
        assert (line.actor, line.at, line.measured_at) == (event.stamp.actor, event.stamp.at, event.stamp.measured_at)
        # 1: at most one open live occurrence; 4: versions count by one.
        assert before is None or not before.open or found.alert_id == before.alert_id
        same = before is not None and found.alert_id == before.alert_id
        assert found.version == (before.version + 1 if before is not None and same else 1)
        if before is None or not before.open:
            return
        if not found.open:
            # 2, 8 and 11: only a normal value, late readings, a decision or a person closes; unseen only if never above low.
            assert isinstance(event, CLOSING)
            assert found.handling is Handling.ACKNOWLEDGED or (found.peak_priority is LOW and isinstance(event, Ended))
        if before.handling is Handling.UNACKNOWLEDGED and found.handling is Handling.ACKNOWLEDGED:
            assert isinstance(event, Acknowledge | Accept)
        if before.snoozed_until is not None and self.now < before.snoozed_until:
            assert line.step not in (Step.ESCALATED, Step.REALARMED) or isinstance(
                event, HandOver | AcceptDue | CallNextLevel
            )

    # --- the patient and the equipment ---------------------------------------------------------------------------------

    @rule(priority=st.sampled_from(Priority), unknown=st.booleans(), often=st.integers(0, 3))
    def cross(self, priority: Priority, unknown: bool, often: int) -> None:
        self.happen(Began(self.stamp(), self.finding(priority), unknown, often))

    @rule(priority=st.sampled_from(Priority))
    def worsen(self, priority: Priority) -> None:
        before = self.live
        if self.happen(Worsened(self.stamp(), self.finding(priority))):
            assert self.live is not None
            if before is None or priority.rank >= before.priority.rank or not before.open:
                assert (self.live.snoozed_until, self.live.suppressed_by) == (None, "")
                assert self.live.handling is Handling.UNACKNOWLEDGED

    @rule(priority=st.sampled_from(Priority))
    def ease(self, priority: Priority) -> None:
        self.happen(Eased(self.stamp(), self.finding(priority)))

    @rule()
    def confirm(self) -> None:
        self.happen(Confirmed(self.stamp(), self.finding(HIGH)))

    @rule(lost=st.booleans())
    def data(self, lost: bool) -> None:
        if self.happen(DataLost(self.stamp()) if lost else DataBack(self.stamp())):
            assert self.live is not None
            assert self.live.open
            assert not lost or self.live.snoozed_until is None

    @rule()
    def become_normal(self) -> None:
        self.happen(Ended(self.stamp(), self.now))

    # --- decisions and other alerts ------------------------------------------------------------------------------------

    @rule()
    def withdraw(self) -> None:
        self.happen(Withdraw(self.stamp(), "limit changed"))

    @rule()
    def be_contradicted(self) -> None:
        before = self.live
        self.happen(Amended(self.stamp(), "Not so."))
        if before is not None and not before.open:
            assert self.live is not None
            assert self.live.resolved_reason == before.resolved_reason

    @rule(carrier=st.sampled_from(["a-1", "a-2"]))
    def suppress(self, carrier: str) -> None:
        before = self.live
        if self.happen(Suppress(self.stamp(), carrier)):
            assert self.live is not None
            assert before is not None
            assert not crossed_severe_limit(before)
            assert self.live.deadline_at == before.deadline_at

    @rule()
    def release(self) -> None:
        self.happen(Unsuppress(self.stamp(), "carrier closed"))

    @precondition(lambda self: self.live is not None and self.live.open)
    @rule()
    def hold(self) -> None:
        """As the ward's budget does with a line that would call."""
        assert self.live is not None
        silent = self.live.snoozed_until or self.live.suppressed_by or self.live.held_until
        if self.live.handling is Handling.UNACKNOWLEDGED and not silent:
            self.live = replace(self.live, held_until=self.now + HELD_AT_MOST)
            self.log[-1] = replace(self.log[-1], after=self.live)
            self.told.append(self.now + HELD_AT_MOST)

    # --- people --------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.live is not None)
    @rule(who=PEOPLE)
    def acknowledge(self, who: str) -> None:
        assert self.live is not None
        event = Acknowledge(self.stamp(who), self.live.version)
        if self.happen(event):
            assert (self.live.handling, self.live.owner, self.live.snoozed_until) == (Handling.ACKNOWLEDGED, who, None)
            assert apply(self.live, event, BEDSIDE_POLICY) is None  # 5: again changes nothing

    @precondition(lambda self: self.live is not None)
    @rule(who=PEOPLE)
    def give_back(self, who: str) -> None:
        assert self.live is not None
        before = self.live
        if self.happen(ReturnToList(self.stamp(who), before.version)):
            assert (self.live.handling, self.live.owner, self.live.accept_by) == (Handling.UNACKNOWLEDGED, "", None)
            assert before.owner == who or before.handling is Handling.UNACKNOWLEDGED

    @precondition(lambda self: self.live is not None)
    @rule(who=PEOPLE, to=PEOPLE)
    def assign(self, who: str, to: str) -> None:
        """Until it is accepted it waits for somebody like any other, and no later than it did."""
        before = self.live
        assert before is not None
        if self.happen(Assign(self.stamp(who), before.version, to)):
            assert who != to
            assert before.handling is Handling.UNACKNOWLEDGED or before.owner == who
            found = self.live
            assert found is not None
            assert (found.handling, found.owner, found.accept_by) == (
                Handling.UNACKNOWLEDGED,
                to,
                self.now + ACCEPT_WITHIN,
            )
            assert (found.snoozed_until, found.held_until) == (None, None)
            if found.deadline_at is not None:
                assert found.deadline_at <= max(before.deadline_at or 0, self.now + ESCALATE[found.priority])

    @precondition(lambda self: self.live is not None)
    @rule(who=PEOPLE)
    def call_next_level(self, who: str) -> None:
        before = self.live
        assert before is not None
        if self.happen(CallNextLevel(self.stamp(who), before.version)):
            assert before.active
            assert before.handling is Handling.UNACKNOWLEDGED or before.owner == who
            assert self.live is not None
            assert self.live.handling is Handling.UNACKNOWLEDGED
            assert self.live.escalation_level == before.escalation_level + 1

    @precondition(lambda self: self.live is not None)
    @rule(who=PEOPLE, minutes=st.integers(-1, 300), reason=st.sampled_from(["known", "", " "]))
    def snooze(self, who: str, minutes: int, reason: str) -> None:
        before = self.live
        assert before is not None
        stamp = self.stamp(who)
        changed = self.happen(Snooze(stamp, before.version, stamp.at + minutes * MINUTE, reason))
        within = 0 < minutes * MINUTE <= SNOOZE_AT_MOST[before.priority] and before.snoozes < SNOOZES_AT_MOST
        assert changed == (before.open and within and reason == "known")

    @rule(incoming=st.sampled_from(["incoming", "other", ""]))
    def end_shift(self, incoming: str) -> None:
        before = self.live
        if self.happen(HandOver(self.stamp(), incoming)):
            assert self.live is not None
            assert before is not None
            assert self.live.snoozed_until is None
            stays = before.handling is self.live.handling
            assert stays or (incoming == "" and self.live.handling is Handling.UNACKNOWLEDGED)

    @precondition(lambda self: self.live is not None)
    @rule(who=PEOPLE)
    def accept(self, who: str) -> None:
        assert self.live is not None
        waited = self.live.accept_by is not None
        if self.happen(Accept(self.stamp(who), self.live.version)):
            assert waited
            assert (self.live.owner, self.live.accept_by) == (who, None)
            assert self.live.handling is Handling.ACKNOWLEDGED

    @precondition(lambda self: self.live is not None and self.live.version > 1)
    @rule(who=PEOPLE, back=st.integers(1, 5), which=st.sampled_from(sorted(TAPS)))
    def tap_late(self, who: str, back: int, which: str) -> None:
        """5: a command on an older version never changes anything."""
        assert self.live is not None
        version = max(1, self.live.version - back)
        assert not self.happen(TAPS[which](self.stamp(who), version))

    # --- time, restarts, repeats ---------------------------------------------------------------------------------------

    @rule(seconds=st.integers(1, 20_000), first=st.permutations(sorted(TIMERS)))
    def let_time_pass(self, seconds: int, first: list[str]) -> None:
        """7: whatever is overdue fires once, in whatever order."""
        self.now += seconds * SECOND
        for name in first:
            due = getattr(self.live, name)
            if due is not None and due <= self.now:
                stamp = replace(self.stamp(), cause=f"deadline:{due}:{self.counter}")
                assert self.happen(TIMERS[name](stamp, due))
                assert self.live is not None
                assert getattr(self.live, name) is None or getattr(self.live, name) > self.now or name != "deadline_at"
                assert apply(self.live, TIMERS[name](stamp, due), BEDSIDE_POLICY) is None

    @rule()
    def restart(self) -> None:
        """4: all that is kept is the last line of the log, as text."""
        kept = json.loads(json.dumps(alert_row(self.log[-1].after)))
        assert alert_of(kept) == self.live
        self.live = alert_of(kept)

    @rule()
    def repeat(self) -> None:
        """The last event once more, as after a crash: it changes nothing, or its cause is in the log. What was worse when it
        opened the alert would count as worse again: the marks of ``analytics.book`` keep it out."""
        last = next(event for event in reversed(self.told) if not isinstance(event, int))
        assert isinstance(last, Worsened) or not self.happen(last)

    # --- always --------------------------------------------------------------------------------------------------------

    @invariant()
    def the_state_makes_sense(self) -> None:
        alert = self.live
        if alert is None:
            return
        acknowledged = alert.handling is Handling.ACKNOWLEDGED
        assert alert.peak_priority.rank >= alert.priority.rank
        assert acknowledged == bool(alert.acknowledged_by)
        assert bool(alert.owner) == (acknowledged or alert.accept_by is not None)
        assert (alert.snoozed_until is None) == (alert.snooze_reason == "")
        assert alert.snoozes <= SNOOZES_AT_MOST
        if not alert.open:
            assert (alert.condition, alert.next_due) == (Condition.FALSE, None)
            assert alert.resolved_at is not None
            return
        if alert.active:
            assert alert.deadline_at is not None
            assert alert.ended_at is None
        if alert.snoozed_until is not None:
            assert alert.deadline_at is None or alert.deadline_at >= alert.snoozed_until
            assert alert.held_until is None
            assert alert.snoozed_until - alert.updated_at <= SNOOZE_AT_MOST[LOW]
        if alert.accept_by is not None:
            assert alert.accept_by - alert.updated_at <= ACCEPT_WITHIN

    @invariant()
    def the_causes_are_unique(self) -> None:
        causes = [line.cause for line in self.log]
        assert len(causes) == len(set(causes))

    @invariant()
    def people_alone_can_close_it(self) -> None:
        """11: acknowledge; a condition that holds then ends by withdrawal, the decision of a person."""
        alert = self.live
        if alert is None or not alert.open:
            return
        if alert.handling is Handling.UNACKNOWLEDGED:
            line = apply(alert, Acknowledge(Stamp("command:close", self.now, "nurse"), alert.version), BEDSIDE_POLICY)
            assert line is not None
            alert = line.after
        if alert.open:
            line = apply(alert, Withdraw(Stamp("command:off", self.now, "doctor"), "limit changed"), BEDSIDE_POLICY)
            assert line is not None
            alert = line.after
        assert not alert.open

    def teardown(self) -> None:
        """4: the events alone, applied again from nothing, give every line of the log."""
        alert: Alert | None = None
        lines: list[Transition] = []
        for event in self.told:
            if isinstance(event, int):
                assert alert is not None
                alert = replace(alert, held_until=event)
                lines[-1] = replace(lines[-1], after=alert)
                continue
            line = apply(alert, event, BEDSIDE_POLICY)
            assert line is not None
            lines.append(line)
            alert = line.after
        assert lines == self.log
        assert alert == self.live


def test_any_life_keeps_the_invariants() -> None:
    AnyLife.sequences = AnyLife.events = 0
    run_state_machine_as_test(AnyLife, settings=settings(max_examples=400, stateful_step_count=60, derandomize=True))
    print(f"{AnyLife.sequences} sequences, {AnyLife.events} events")
    assert AnyLife.sequences >= 400
