"""The episode log: when was which condition true? It follows from readings, policy and detectors alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from analytics.engine.conditions import BEGAN, EASED, ENDED, TRUE, WORSE
from vigil.domain.readings import I64


@dataclass(frozen=True, slots=True)
class Episode:
    """One time span in which a condition was true; microseconds UTC, measured.

    ``onset``: the first odd value; ``end``: the first normal value after it, None = still true; ``peak``: the value (of
    undirected detectors: the score) farthest out; ``level``: the highest, 2 = severe; ``decided``: when its delay was over;
    ``closed``: when its end was certain, 0 = it is not.
    """

    onset: int
    end: int | None
    peak: float
    peak_at: int
    level: int
    decided: int
    closed: int = 0

    def overlaps(self, start: int, end: int | None) -> bool:
        return (end is None or self.onset <= end) and (self.end is None or self.end >= start)


Spans = dict[tuple[int, int], list[Episode]]


def episodes(events: NDArray[Any], at: I64, running: dict[int, NDArray[Any]] | None = None) -> Spans:
    """Of one slot, by (detector, side). ``events``: ``intake.STEPPED`` in order, their ``row`` counting in ``at``. ``running``:
    conditions that ran before the first reading, by detector. An open episode's peak is that of its last event, until
    ``brought_up``."""
    found: Spans = {}
    for number, row in (running or {}).items():
        for side in (0, 1):
            if row["status"][side] == TRUE:
                first = Episode(
                    int(row["onset"][side]), None, float(row["peak"][side]), int(row["peak_at"][side]),
                    int(row["level"][side]), int(row["last_at"]),
                )  # fmt: skip
                found[number, side] = [first]
    for number, event in zip(events["detector"].tolist(), events["event"], strict=True):
        what, side = int(event["what"]), int(event["side"])
        if what not in (BEGAN, WORSE, EASED, ENDED):
            continue
        spans = found.setdefault((number, side), [])
        when = int(at[int(event["row"])])
        if what == BEGAN:
            spans.append(Episode(int(event["onset"]), None, 0.0, 0, 0, when))
        last = spans[-1]
        last = replace(
            last,
            peak=float(event["peak"]),
            peak_at=int(event["peak_at"]),
            level=max(last.level, int(event["level"])),
        )
        spans[-1] = replace(last, end=int(event["end"]), closed=when) if what == ENDED else last
    return found


def brought_up(spans: Spans, running: dict[int, NDArray[Any]]) -> Spans:
    """Open episodes with the peak that their conditions have now."""
    for (number, side), of_side in spans.items():
        if of_side and of_side[-1].end is None and number in running:
            row = running[number]
            of_side[-1] = replace(of_side[-1], peak=float(row["peak"][side]), peak_at=int(row["peak_at"][side]))
    return spans


def merged(spans: Iterable[Episode], low: bool) -> list[Episode]:
    """Of several sensors for one vital: one episode for each time in which any of them had one. ``low``: deeper is lower."""
    result: list[Episode] = []
    for each in sorted(spans, key=lambda span: (span.onset, span.decided)):
        last = result[-1] if result else None
        if last is None or (last.end is not None and last.end < each.onset):
            result.append(each)
            continue
        deeper = each.peak < last.peak if low else each.peak > last.peak
        worst = each if deeper else last
        ends = None if last.end is None or each.end is None else max(last.end, each.end)
        result[-1] = Episode(
            last.onset, ends, worst.peak, worst.peak_at, max(last.level, each.level), min(last.decided, each.decided),
            0 if ends is None else max(last.closed, each.closed),
        )  # fmt: skip
    return result


def covered(each: Episode, spans: Sequence[tuple[int, int | None]]) -> bool:
    return any(each.overlaps(start, end) for start, end in spans)
