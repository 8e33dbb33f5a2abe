"""Does a line of an alert's log call somebody? The answer stands in the line itself, under ``detail["call"]``.

An *interruption* is a line whose answer is "now". Everything else that could have called is shown with the reason why it did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vigil.domain.alerts import Handling, Step, Transition
from vigil.domain.phrases import Phrase, english

CALL = "call"

#: Steps after which an alert that nobody has acknowledged asks for a person.
ASKING = frozenset(
    {
        Step.OPENED,
        Step.WORSENED,
        Step.CONFIRMED,
        Step.RECURRED,
        Step.ESCALATED,
        Step.REALARMED,
        Step.SNOOZE_ENDED,
        Step.UNSUPPRESSED,
        Step.CALLED,
    }
)


class How(StrEnum):
    """``now``: a person is interrupted. ``list``: on the work list and in the hand-over note only. ``held``: it waits for a
    valid value, for data to come back, or for room in the ward's budget of interruptions, ten minutes at the longest; or for the
    end of a planned pause.
    ``joined``: somebody is called, or at work, for the same patient. ``inhibited``: another open alert says the same and more.
    ``snoozed``: a person set it aside."""

    NOW = "now"
    LIST = "list"
    HELD = "held"
    JOINED = "joined"
    INHIBITED = "inhibited"
    SNOOZED = "snoozed"


@dataclass(frozen=True, slots=True)
class Call:
    """``why``: words for the nurse. ``by``: id of the alert that leads or carries this one, empty = none. ``said``: ``why`` as a
    phrase, None in lines of a Vigil that had none."""

    how: How
    why: str = ""
    by: str = ""
    said: Phrase | None = None

    def row(self) -> dict[str, Any]:
        row = {"how": self.how.value, "why": self.why, "by": self.by}
        return row if self.said is None else {**row, "said": self.said}


def because(how: How, why: Phrase, by: str = "") -> Call:
    return Call(how, english(why), by, why)


def asks(line: Transition) -> bool:
    """Is this a line after which somebody must be called, unless there is a reason not to?"""
    after = line.after
    ended_snooze = line.step is Step.DATA_LOST and line.detail.get("snooze") == "ended"
    return (line.step in ASKING or ended_snooze) and after.open and after.handling is Handling.UNACKNOWLEDGED


def call_of(line: Transition) -> Call | None:
    """What was decided about the line; None = it did not ask for anybody."""
    row = line.detail.get(CALL)
    return None if row is None else Call(How(row["how"]), row["why"], row["by"], row.get("said"))


def interrupts(line: Transition) -> bool:
    """Was a person called at this line? That is what is counted as an interruption."""
    call = call_of(line)
    return call is not None and call.how is How.NOW
