"""Past episodes that late readings have shown, gathered so that one backfill brings one notice per patient and rule.

The gathering is lost with a crash and found again by the replay: no snapshot is written while anything is gathered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from analytics.alerting import Alerting
from analytics.changes import Change
from analytics.directory import Directory
from analytics.evidence import limit_row, reading_row
from analytics.wording import past_text, past_title
from vigil.domain.alerts import Evidence, Kind
from vigil.domain.lifecycle import Finding, Passed
from vigil.domain.phrases import tell
from vigil.domain.policy import LimitRule
from vigil.domain.times import SECOND

#: The backfill counts as over when nothing was added for so long, or after ``LONGEST`` (ours), microseconds.
QUIET = 5 * SECOND
LONGEST = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Gathered:
    """``worst`` is the change with the deepest value; ``ordinal`` and ``ended_at`` are of the last episode."""

    rule: LimitRule
    device_id: str
    worst: Change
    onset_at: int
    ended_at: int
    ordinal: int
    received_at: int
    level: int
    count: int
    first_added: int
    last_added: int


class PastEpisodes:
    def __init__(self, alerting: Alerting, directory: Directory) -> None:
        self._alerting = alerting
        self._directory = directory
        self._gathered: dict[tuple[str, str], Gathered] = {}

    @property
    def empty(self) -> bool:
        return not self._gathered

    def next_due(self) -> int | None:
        """When the next of them is told, server time."""
        times = [min(each.last_added + QUIET, each.first_added + LONGEST) for each in self._gathered.values()]
        return min(times, default=None)

    def add(self, patient_id: str, rule: LimitRule, change: Change, device_id: str) -> None:
        """An episode that a live alert covers already is no news."""
        live = self._alerting.book.newest(patient_id, rule.rule)
        covered = live is not None and live.open and live.onset_at <= change.onset_at
        if live is not None and covered and (live.ended_at is None or change.ended_at <= live.ended_at):
            return
        now = self._alerting.now()
        key = (patient_id, rule.rule)
        known = self._gathered.get(key)
        if known is None:
            known = Gathered(
                rule, device_id, change, change.onset_at, change.ended_at, change.ordinal, change.received_at,
                change.level, 0, now, now,
            )  # fmt: skip
        deeper = change.peak < known.worst.peak if rule.side == "low" else change.peak > known.worst.peak
        self._gathered[key] = replace(
            known,
            worst=change if deeper else known.worst,
            onset_at=min(known.onset_at, change.onset_at),
            ended_at=max(known.ended_at, change.ended_at),
            ordinal=change.ordinal,
            received_at=max(known.received_at, change.received_at),
            level=max(known.level, change.level),
            count=known.count + 1,
            last_added=now,
        )

    def flush(self, now: int, *, all_of_it: bool = False) -> None:
        """Tell what is complete."""
        for key, gathered in list(self._gathered.items()):
            over = now - gathered.last_added >= QUIET or now - gathered.first_added >= LONGEST
            if all_of_it or over:
                del self._gathered[key]
                self._tell(key[0], gathered)

    def _tell(self, patient_id: str, gathered: Gathered) -> None:
        rule, worst = gathered.rule, gathered.worst
        severe = gathered.level == 2
        text = past_text(rule, worst.peak, gathered.onset_at, gathered.ended_at, gathered.received_at, gathered.count)
        told = tell(past_title(rule), text)
        value = reading_row(rule.vital, worst.peak, worst.peak_at, worst.received_at, worst.quality, worst.ordinal)
        version = self._directory.policy_version(patient_id)
        finding = Finding(
            patient_id=patient_id,
            rule=rule.rule,
            kind=Kind.PHYSIOLOGICAL,
            priority=rule.severe_priority if severe else rule.priority,
            title=told.title,
            evidence=Evidence(told.text, (value,), limit_row(rule, severe), None, version, told.said),
            onset_at=gathered.onset_at,
            device_id=gathered.device_id,
        )
        stamp = self._alerting.stamp(f"ordinal:{gathered.ordinal}", gathered.ended_at)
        self._alerting.submit(patient_id, rule.rule, Passed(stamp, finding, gathered.ended_at))
