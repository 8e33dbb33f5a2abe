"""Hand-over of an acknowledged alert at the end of a shift: accepted by who takes it, or back on the list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.domain.lives import (
    ESCALATE,
    LATER,
    LOW,
    acked,
    after,
    by,
    handed_over,
    line_of,
    opened,
    snoozed,
    stamp,
    unchanged,
)
from vigil.domain.alerts import Handling, Step
from vigil.domain.errors import InvalidInput, VersionConflict
from vigil.domain.lifecycle import ACCEPT_WITHIN, Accept, AcceptDue, HandOver, ReturnToList, apply
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.times import HOUR, MINUTE


def test_a_handed_over_alert_stays_acknowledged_and_waits_for_the_incoming() -> None:
    alert = acked(opened())
    assert alert.owner == "nurse"
    line = line_of(alert, HandOver(stamp(LATER), "incoming"))
    found = line.after
    assert (line.step, line.detail) == (Step.HANDED_OVER, {"from": "nurse", "to": "incoming"})
    assert (found.owner, found.accept_by, found.handling) == ("incoming", LATER + ACCEPT_WITHIN, Handling.ACKNOWLEDGED)
    assert (found.acknowledged_by, found.deadline_at) == ("nurse", alert.deadline_at)
    assert ACCEPT_WITHIN == 10 * MINUTE
    assert unchanged(found, HandOver(stamp(LATER + 1), "incoming"))  # no time is added
    assert unchanged(alert, HandOver(stamp(LATER), "nurse"))
    assert unchanged(opened(), HandOver(stamp(LATER), "incoming"))


@pytest.mark.parametrize("actor", ["incoming", "colleague"])
def test_who_accepts_owns_it_and_may_return_it(actor: str) -> None:
    given = handed_over(acked(opened()))
    line = line_of(given, Accept(by(actor, LATER), given.version))
    assert (line.step, line.after.owner, line.after.accept_by) == (Step.ACCEPTED, actor, None)
    assert unchanged(line.after, Accept(by(actor, LATER + 1), given.version))
    with pytest.raises(InvalidInput):
        apply(line.after, ReturnToList(by("nurse", LATER + 1), line.after.version), BEDSIDE_POLICY)
    assert after(line.after, ReturnToList(by(actor, LATER + 1), line.after.version)).owner == ""


def test_only_what_was_handed_over_can_be_accepted() -> None:
    alert = opened()
    with pytest.raises(InvalidInput, match="not handed over"):
        apply(alert, Accept(by("nurse", LATER), alert.version), BEDSIDE_POLICY)
    given = handed_over(acked(alert))
    with pytest.raises(VersionConflict):
        apply(given, Accept(by("incoming", LATER), given.version - 1), BEDSIDE_POLICY)


def test_what_is_not_accepted_in_time_calls_again() -> None:
    given = handed_over(acked(opened(LOW)))
    assert given.accept_by is not None
    assert given.next_due == given.accept_by
    due = given.accept_by
    assert unchanged(given, AcceptDue(stamp(due - 1), due))
    assert unchanged(given, AcceptDue(stamp(due + 1), due + 1))
    line = line_of(given, AcceptDue(stamp(due + HOUR), due))
    found = line.after
    assert (line.step, line.note) == (Step.REALARMED, "hand-over not accepted")
    assert (found.handling, found.owner, found.accept_by) == (Handling.UNACKNOWLEDGED, "", None)
    assert found.deadline_at == due + HOUR + ESCALATE[LOW]


def test_without_anybody_who_takes_over_it_calls_at_once() -> None:
    line = line_of(acked(opened()), HandOver(stamp(LATER), ""))
    assert (line.step, line.note, line.after.handling) == (Step.REALARMED, "nobody takes over", Handling.UNACKNOWLEDGED)


def test_a_snooze_ends_with_the_shift() -> None:
    line = line_of(snoozed(opened()), HandOver(stamp(LATER), "incoming"))
    assert (line.step, line.note, line.after.owner) == (Step.SNOOZE_ENDED, "shift ended", "")
    both = after(snoozed(acked(opened())), HandOver(stamp(LATER), "incoming"))
    assert (both.snoozed_until, both.owner) == (None, "incoming")


def test_an_alert_from_before_there_were_owners_belongs_to_who_acknowledged_it() -> None:
    old = replace(acked(opened()), owner="")
    assert unchanged(old, HandOver(stamp(LATER), "nurse"))
    assert after(old, ReturnToList(by("nurse", LATER), old.version)).handling is Handling.UNACKNOWLEDGED
