"""What somebody does with an alert that he cannot deal with himself: assigns it, calls the next level, gives it back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.domain.lives import (
    ESCALATE,
    HIGH,
    LATER,
    LOW,
    MEDIUM,
    NOW,
    REALARM,
    acked,
    after,
    assigned,
    by,
    ended,
    finding,
    handed_over,
    line_of,
    opened,
    snoozed,
    stamp,
    unchanged,
)
from vigil.domain.alerts import Handling, Step
from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.lifecycle import (
    ACCEPT_WITHIN,
    ENDED_THEN_ACKNOWLEDGED,
    Accept,
    AcceptDue,
    Acknowledge,
    Assign,
    CallNextLevel,
    Command,
    DeadlineReached,
    ReturnToList,
    Worsened,
    apply,
)
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import MINUTE

UNACKNOWLEDGED, ACKNOWLEDGED = Handling.UNACKNOWLEDGED, Handling.ACKNOWLEDGED


def test_what_is_assigned_escalates_on_until_it_is_accepted() -> None:
    alert = opened(HIGH)
    line = line_of(alert, Assign(by("nurse", LATER), 1, "doctor", "needs a doctor"))
    found = line.after
    assert (line.step, line.note, line.detail) == (
        Step.HANDED_OVER,
        "needs a doctor",
        {"from": "nurse", "to": "doctor"},
    )
    assert (found.handling, found.owner, found.accept_by) == (UNACKNOWLEDGED, "doctor", LATER + ACCEPT_WITHIN)
    assert found.deadline_at == alert.deadline_at
    due = found.deadline_at or 0
    above = line_of(found, DeadlineReached(stamp(due), due))
    assert (above.step, above.after.escalation_level, above.after.owner) == (Step.ESCALATED, 1, "doctor")


@pytest.mark.parametrize("actor", ["doctor", "colleague"])
def test_who_accepts_what_was_assigned_has_acknowledged_it(actor: str) -> None:
    given = assigned(opened())
    line = line_of(given, Accept(by(actor, LATER), given.version))
    found = line.after
    assert (line.step, found.handling, found.owner, found.acknowledged_by) == (
        Step.ACCEPTED,
        ACKNOWLEDGED,
        actor,
        actor,
    )
    assert (found.accept_by, found.acknowledged_at, found.deadline_at) == (None, LATER, LATER + REALARM[MEDIUM])
    assert unchanged(found, Accept(by(actor, LATER + 1), given.version))
    taken = after(given, Acknowledge(by("colleague", LATER), given.version))  # it is on the list for all
    assert (taken.owner, taken.accept_by) == ("colleague", None)


def test_the_owner_assigns_what_he_cannot_deal_with_and_escalation_starts_anew() -> None:
    given = after(acked(opened()), Assign(by("nurse", LATER), 2, "doctor"))
    assert (given.handling, given.acknowledged_by, given.owner) == (UNACKNOWLEDGED, "", "doctor")
    assert (given.escalation_level, given.deadline_at) == (0, LATER + ESCALATE[MEDIUM])
    shift = handed_over(acked(opened()))
    assert after(shift, Assign(by("incoming", LATER), shift.version, "doctor")).owner == "doctor"


@pytest.mark.parametrize("act", ["assign it", "escalate it", "return it to the list"])
def test_what_somebody_deals_with_only_he_passes_on(act: str) -> None:
    mine = acked(opened())
    stranger = by("colleague", LATER)
    commands: dict[str, Command] = {
        "assign it": Assign(stranger, mine.version, "doctor"),
        "escalate it": CallNextLevel(stranger, mine.version),
        "return it to the list": ReturnToList(stranger, mine.version),
    }
    with pytest.raises(InvalidInput, match=f"only the person who deals with an alert can {act}"):
        apply(mine, commands[act], BEDSIDE_POLICY)


def test_nobody_assigns_to_himself_and_to_ask_the_same_person_again_adds_no_time() -> None:
    alert = opened()
    with pytest.raises(InvalidInput, match="acknowledge it to deal with it yourself"):
        apply(alert, Assign(by("nurse", LATER), 1, "nurse"), BEDSIDE_POLICY)
    given = assigned(alert)
    assert unchanged(given, Assign(by("colleague", LATER), given.version, "doctor"))
    other = after(given, Assign(by("colleague", LATER), given.version, "other"))
    assert (other.owner, other.accept_by) == ("other", LATER + ACCEPT_WITHIN)
    with pytest.raises(VersionConflict):
        apply(other, Accept(by("doctor", LATER), given.version), BEDSIDE_POLICY)


def test_what_is_not_accepted_in_time_calls_again_and_its_escalation_has_never_stopped() -> None:
    given = replace(assigned(opened()), escalation_level=2)
    due = given.accept_by or 0
    assert unchanged(given, AcceptDue(stamp(due - 1), due))
    line = line_of(given, AcceptDue(stamp(due), due))
    found = line.after
    assert (line.step, line.note, found.owner, found.accept_by) == (Step.REALARMED, "assignment not accepted", "", None)
    assert (found.escalation_level, found.deadline_at) == (2, given.deadline_at)


def test_an_assignment_is_taken_back_and_the_escalation_goes_on() -> None:
    given = assigned(opened())
    line = line_of(given, ReturnToList(by("nurse", LATER), given.version))
    assert (line.step, line.after.owner, line.after.accept_by) == (Step.RETURNED, "", None)
    assert line.after.deadline_at == given.deadline_at
    assert unchanged(line.after, ReturnToList(by("nurse", LATER), line.after.version))


def test_a_snooze_is_taken_back_by_anybody_and_the_escalation_starts_anew() -> None:
    line = line_of(snoozed(opened()), ReturnToList(by("colleague", LATER), snoozed(opened()).version))
    assert (line.step, line.after.snoozed_until, line.after.handling) == (Step.RETURNED, None, UNACKNOWLEDGED)
    assert line.after.deadline_at == LATER + ESCALATE[MEDIUM]
    assert line.after.snoozes == 1  # so that no third one in a row can be had by it
    assert unchanged(line.after, ReturnToList(by("colleague", LATER), line.after.version))


def test_an_assignment_ends_what_kept_the_alert_from_calling() -> None:
    quiet = snoozed(opened())
    loud = assigned(quiet)
    assert (loud.snoozed_until, loud.deadline_at) == (None, NOW + MINUTE + ESCALATE[MEDIUM])
    held = assigned(replace(opened(), held_until=NOW + 10 * MINUTE))
    assert (held.held_until, held.deadline_at) == (None, NOW + MINUTE + ESCALATE[MEDIUM])


def test_an_assignment_ends_when_it_gets_worse_or_is_over() -> None:
    worse = after(assigned(opened()), Worsened(stamp(LATER), finding(HIGH)))
    assert (worse.owner, worse.accept_by, worse.handling) == ("", None, UNACKNOWLEDGED)
    low = ended(assigned(opened(LOW)), at=LATER)
    assert (low.open, low.owner, low.accept_by) == (False, "", None)
    over = ended(assigned(opened()), at=LATER)
    assert (over.cleared, over.owner) == (True, "doctor")
    closed = after(over, Accept(by("doctor", LATER + 1), over.version))
    assert (closed.resolved_reason, closed.owner) == (ENDED_THEN_ACKNOWLEDGED, "doctor")


def test_the_next_level_is_called_at_once() -> None:
    line = line_of(snoozed(opened(HIGH)), CallNextLevel(by("nurse", LATER), 2))
    found = line.after
    assert (line.step, line.actor, found.escalation_level) == (Step.ESCALATED, "nurse", 1)
    assert (found.snoozed_until, found.deadline_at) == (None, LATER + ESCALATE[HIGH])
    again = after(found, CallNextLevel(by("nurse", LATER + 1), found.version))
    assert (again.escalation_level, again.deadline_at) == (2, LATER + 1 + ESCALATE[HIGH])


def test_the_owner_who_calls_the_next_level_gives_the_alert_up() -> None:
    mine = acked(replace(opened(), escalation_level=1))
    found = after(mine, CallNextLevel(by("nurse", LATER), mine.version))
    assert (found.handling, found.owner, found.escalation_level) == (UNACKNOWLEDGED, "", 2)
    asked = assigned(opened())
    assert after(asked, CallNextLevel(by("nurse", LATER), asked.version)).owner == "doctor"  # he may still accept


def test_nobody_is_called_for_what_is_over() -> None:
    over = ended(opened())
    with pytest.raises(InvalidInput, match="over"):
        apply(over, CallNextLevel(by("nurse", LATER), over.version), BEDSIDE_POLICY)
