"""What people were told: the occurrences of alerts, and when each of them interrupted somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from analytics.limit_alerts import UNVERIFIED
from vigil.domain.alerts import Condition, Handling, Kind, Priority, Step
from vigil.domain.errors import TableError
from vigil.domain.times import from_iso

#: What a call decision ("how") says of an occurrence that nobody is shown on its own: another alert carries it.
_CARRIED = frozenset({"joined", "inhibited", "snoozed", "none"})
#: Steps that call somebody where no decision is written beside them: the first notice, a repeat, an escalation.
_CALLING = frozenset(
    step.value for step in (Step.OPENED, Step.WORSENED, Step.CONFIRMED, Step.RECURRED, Step.ESCALATED, Step.REALARMED)
)


class Lane(StrEnum):
    """How an occurrence is counted; advisories with the technical ones. An unverified critical value is technical by kind, but it
    catches events."""

    PHYSIOLOGICAL = "physiological"
    UNVERIFIED = "unverified"
    TECHNICAL = "technical"


#: Lanes that speak of the patient, and so can catch an event.
OF_PATIENT = frozenset({Lane.PHYSIOLOGICAL, Lane.UNVERIFIED})


@dataclass(slots=True)
class Alarm:
    """One occurrence. ``priority``: the first one; ``peak``: the highest. ``calls``: when it interrupted somebody, ascending,
    microseconds UTC of the server; ``highs``: those of high priority while it was physiological (an unverified critical value is
    from its confirmation on), ``said``: what the first of them said; ``worse``: those because it had become worse. ``listed_at``:
    when it first stood in the list without calling, None = never. ``stood_high``: from when to when it was true, known or not,
    physiological and of high priority; the last end is None where it still was. ``answered``: when somebody acknowledged it.
    ``held``: calls held back. ``shown`` False: carried by another alert all the time."""

    alert_id: str
    patient: str
    rule: str
    lane: Lane
    priority: Priority
    opened_at: int
    calls: list[int]
    highs: list[int]
    peak: Priority
    listed_at: int | None = None
    held: int = 0
    shown: bool = False
    retrospective: bool = False
    said: str = ""
    stood_high: list[tuple[int, int | None]] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    worse: list[int] = field(default_factory=list)

    @property
    def of_patient(self) -> bool:
        return self.lane in OF_PATIENT

    @property
    def speaks_for(self) -> str:
        """The rule of the limit, where it began as an unverified critical value."""
        return self.rule.replace(f"{UNVERIFIED}.", "limit.", 1)

    def was_high(self, at: int) -> bool:
        return any(start <= at and (end is None or at < end) for start, end in self.stood_high)


class Notice(msgspec.Struct, gc=False):
    """A line of ``notices.jsonl``. ``call``: the decision how to call, where the policy makes one."""

    at: str
    patient: str
    alert: str
    step: str
    rule: str
    kind: str
    priority: str
    handling: str
    retrospective: bool = False
    condition: str = Condition.TRUE.value
    text: str = ""
    call: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None

    def how(self) -> str:
        """Word "now" where somebody is interrupted. Without a decision, whoever is called by a step is interrupted by it."""
        decided = self.call or (self.detail or {}).get("call")
        if decided:
            return str(decided["how"])
        if self.step in _CALLING and self.handling == Handling.UNACKNOWLEDGED.value:
            return "now"
        return ""


def read_alarms(path: Path) -> list[Alarm]:
    """The occurrences of a back-test, from its notices, in order of opening. Raises ``TableError`` for a damaged file."""
    decoder = msgspec.json.Decoder(Notice)
    try:
        with path.open("rb") as file:
            return alarms(decoder.decode(line) for line in file)
    except (OSError, msgspec.DecodeError) as error:
        raise TableError(f"{path.name} cannot be read: {type(error).__name__}") from error


def alarms(notices: Iterable[Notice]) -> list[Alarm]:
    """``notices``: of each patient in order of time. What was opened before the first of them is left out."""
    found: dict[str, Alarm] = {}
    for notice in notices:
        if notice.step == Step.OPENED.value:
            found[notice.alert] = _opened(notice)
        alarm = found.get(notice.alert)
        if alarm is not None:
            _told(alarm, notice)
    return sorted(found.values(), key=lambda each: (each.opened_at, each.patient, each.alert_id))


def _opened(notice: Notice) -> Alarm:
    lane = Lane.PHYSIOLOGICAL if notice.kind == Kind.PHYSIOLOGICAL.value else Lane.TECHNICAL
    if notice.rule.startswith(f"{UNVERIFIED}."):
        lane = Lane.UNVERIFIED
    first = Priority(notice.priority)
    return Alarm(
        notice.alert, notice.patient, notice.rule, lane, first, from_iso(notice.at), [], [], first,
        retrospective=notice.retrospective,
    )  # fmt: skip


def _told(alarm: Alarm, notice: Notice) -> None:
    how, at = notice.how(), from_iso(notice.at)
    priority = Priority(notice.priority)
    high = priority is Priority.HIGH and notice.kind == Kind.PHYSIOLOGICAL.value
    if priority.rank > alarm.peak.rank:
        alarm.peak = priority
    if how == "now":
        alarm.calls.append(at)
        if notice.step == Step.WORSENED.value:
            alarm.worse.append(at)
        if high:
            alarm.said = alarm.said or notice.text
            alarm.highs.append(at)
    elif how == "list" and alarm.listed_at is None:
        alarm.listed_at = at
    if notice.step == Step.ACKNOWLEDGED.value:
        alarm.answered.append(at)
    _stood(alarm, at, high=high and notice.condition != Condition.FALSE.value)
    alarm.held += how == "held"
    alarm.shown |= bool(how) and how not in _CARRIED


def _stood(alarm: Alarm, at: int, *, high: bool) -> None:
    spans = alarm.stood_high
    stands = bool(spans) and spans[-1][1] is None
    if high and not stands:
        spans.append((at, None))
    elif stands and not high:
        spans[-1] = (spans[-1][0], at)


def by_patient(told: Iterable[Alarm]) -> Mapping[str, list[Alarm]]:
    found: dict[str, list[Alarm]] = {}
    for alarm in told:
        found.setdefault(alarm.patient, []).append(alarm)
    return found
