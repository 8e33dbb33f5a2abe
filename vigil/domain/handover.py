"""What the next shift must know, as facts: counts of what happened, and where a score went."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.alerts import Step, Transition
from vigil.domain.scores import Score
from vigil.domain.teams import Team, on_call, shift_changes
from vigil.domain.times import DAY, HOUR

#: Assumed where no shift began in the last day: as long as one nurse's log-in holds.
SHIFT_US = 12 * HOUR
#: A shift that began so short ago has nothing to tell yet: the note is about the one before (ours).
FRESH_SHIFT_US = HOUR


class Course(StrEnum):
    """Where a score went. ``unclear``: the bounds do not say, because different inputs are missing."""

    UP = "up"
    DOWN = "down"
    STEADY = "steady"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Happened:
    """How many alerts did so, each counted once. ``unanswered``: the whole chain was called in vain."""

    opened: int
    resolved: int
    escalated: int
    unanswered: int


def happened(lines: Iterable[Transition], last_level: int) -> Happened:
    """``lines``: of an interval; ``last_level``: of the team's chain."""
    told = list(lines)
    return Happened(
        opened=_alerts(told, _opens),
        resolved=_alerts(told, _resolves),
        escalated=_alerts(told, _escalates),
        unanswered=_alerts(told, lambda line: _escalates(line) and line.after.escalation_level > last_level),
    )


def _alerts(lines: Iterable[Transition], did: Callable[[Transition], bool]) -> int:
    return len({line.after.alert_id for line in lines if did(line)})


def _opens(line: Transition) -> bool:
    return line.step is Step.OPENED


def _escalates(line: Transition) -> bool:
    return line.step is Step.ESCALATED


def _resolves(line: Transition) -> bool:
    return not line.after.open


@dataclass(frozen=True, slots=True)
class News:
    """How many alerts did so, each counted once. ``taken``: (by whom, how many), who took most first."""

    opened: int
    escalated: int
    resolved: int
    taken: tuple[tuple[str, int], ...]


def happened_without(person: str, lines: Iterable[Transition]) -> News:
    """``lines``: of an interval, of which ``person`` knows his own."""
    told = list(lines)
    taken: dict[str, set[str]] = {}
    for line in told:
        if line.step in (Step.ACKNOWLEDGED, Step.ACCEPTED) and line.actor != person:
            taken.setdefault(line.actor, set()).add(line.after.alert_id)
    most = sorted(((who, len(alerts)) for who, alerts in taken.items()), key=lambda one: (-one[1], one[0]))
    return News(_alerts(told, _opens), _alerts(told, _escalates), _alerts(told, _resolves), tuple(most))


def course(first: Score, last: Score) -> Course:
    """Both must have bounds. With the same inputs missing the bounds move together; otherwise only bounds that do not overlap
    say something.

    >>> from vigil.domain.scores import ScoreStatus
    >>> def score(lower: int, upper: int, *missing: str) -> Score:
    ...     return Score("news2", "p-1", 0, ScoreStatus.PARTIAL, None, lower, upper, None, False, (), missing)
    >>> course(score(2, 2), score(6, 6)).value, course(score(2, 5, "oxygen"), score(1, 4, "oxygen")).value
    ('up', 'down')
    >>> course(score(2, 2), score(2, 8, "bp_sys")).value, course(score(2, 2), score(3, 8, "bp_sys")).value
    ('unclear', 'up')
    """
    before, after = bounds(first), bounds(last)
    if set(first.missing) == set(last.missing):
        return Course.STEADY if before == after else Course.UP if sum(after) > sum(before) else Course.DOWN
    if after[0] > before[1]:
        return Course.UP
    return Course.DOWN if after[1] < before[0] else Course.UNCLEAR


def bounds(score: Score) -> tuple[int, int]:
    """Lower and upper. Raises ``ValueError`` for a score that does not apply."""
    if score.lower is None or score.upper is None:
        raise ValueError("a score without bounds")
    return score.lower, score.upper


def bounded(scores: Sequence[Score]) -> list[Score]:
    """NEWS2 that applies to the patient, in the order given."""
    return [one for one in scores if one.name == "news2" and one.lower is not None and one.upper is not None]


def shift_began(team: Team, now: int) -> int:
    """When the shift began that a note of ``now`` is about, microseconds UTC: the newest one that is not fresh."""
    for change in reversed(shift_changes(team, now - DAY, now - FRESH_SHIFT_US)):
        # Newest shift first: where the first of them was there before, somebody has only left.
        if change.incoming and change.incoming[0] not in on_call(team, change.at - 1):
            return change.at
    return now - SHIFT_US
