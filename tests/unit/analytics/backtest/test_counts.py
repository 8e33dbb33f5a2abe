"""What a back-test adds up, and that parts add up to the whole."""

from __future__ import annotations

from dataclasses import replace

from analytics.backtest.counts import Counts, from_row, to_row
from analytics.backtest.fold import fold
from tests.unit.analytics.backtest.given import START, Row, world
from tests.unit.analytics.ward import compiled
from vigil.domain.alerts import Evidence, Kind, Priority, Step, Transition
from vigil.domain.calls import CALL, Call, How
from vigil.domain.lifecycle import Began, Finding, Stamp, apply
from vigil.domain.policy import BEDSIDE_POLICY

ROWS = [Row("p-1", "spo2", START + n * 1_000_000, 85.0, START + n * 1_000_000) for n in range(40)]


def line(
    rule: str,
    priority: Priority = Priority.MEDIUM,
    kind: Kind = Kind.PHYSIOLOGICAL,
    step: Step = Step.OPENED,
    how: How | None = How.NOW,
) -> Transition:
    finding = Finding("p-1", rule, kind, priority, "title", Evidence("text"), START)
    opened = apply(None, Began(Stamp("ordinal:1", START), finding), BEDSIDE_POLICY)
    assert opened is not None
    return replace(opened, step=step, detail={} if how is None else {CALL: Call(how).row()})


def of(*log: Transition, days: int = 2) -> Counts:
    counts = Counts()
    counts.add_patient(fold(world(ROWS), compiled()), days, log)
    return counts


def test_alerts_are_counted_by_kind_when_shown_and_doubts_apart() -> None:
    row = of(
        line("limit.spo2.low"),
        line("news2", Priority.HIGH),
        line("unverified.spo2.low", Priority.HIGH, Kind.TECHNICAL),
        line("no_data.w-1", Priority.LOW, Kind.TECHNICAL),
        line("no_data.w-2", Priority.LOW, Kind.TECHNICAL),
        line("limit.spo2.low", step=Step.CLEARED, how=None),
    ).row()
    assert row["alerts"] == {
        "physiological high": 1,
        "physiological medium": 1,
        "technical low": 2,
        "unverified high": 1,
    }
    assert row["alerts_by_rule"] == {"limit.spo2.low": 1, "news2": 1, "no_data": 2, "unverified.spo2.low": 1}
    assert [row[f"{kind}_alerts_per_patient_day"] for kind in ("physiological", "unverified", "technical")] == [
        1,
        0.5,
        1,
    ]


def test_an_interruption_is_what_calls_somebody() -> None:
    for how in How:
        assert of(line("limit.spo2.low", how=how)).interruptions == int(how is How.NOW), how
    assert of(line("limit.spo2.low"), line("limit.spo2.low", step=Step.ESCALATED)).interruptions == 2


def test_what_was_only_ever_carried_is_counted_apart_and_what_calls_later_is_not() -> None:
    carried, later = line("limit.spo2.low", how=How.JOINED), line("limit.resp_rate.high", how=How.INHIBITED)
    row = of(carried, later, line("limit.resp_rate.high", step=Step.UNSUPPRESSED)).row()
    assert (row["carried_alerts_per_patient_day"], row["physiological_alerts_per_patient_day"]) == (0.5, 0.5)


def test_readings_and_episodes_come_from_the_fold() -> None:
    counts = of()
    assert (counts.patients, counts.readings, counts.patient_days) == (1, len(ROWS), 2)
    assert counts.episodes_by_rule["limit.spo2.low"] == 1


def test_without_a_day_there_is_no_rate() -> None:
    row = of(line("limit.spo2.low"), days=0).row()
    assert row["physiological_alerts_per_patient_day"] is None
    assert row["interruptions_per_patient_day"] is None


def test_parts_add_up_to_the_whole_and_survive_their_file() -> None:
    one, two = of(line("limit.spo2.low")), of(line("news2", Priority.HIGH), line("limit.spo2.low"), days=3)
    whole = Counts()
    for part in (one, two):
        whole.add(from_row(to_row(part)))
    assert (whole.patients, whole.patient_days, whole.interruptions) == (2, 5, 3)
    assert whole.alerts_by_rule == {"limit.spo2.low": 2, "news2": 1}
    assert whole.row()["physiological_alerts_per_patient_day"] == round(3 / 5, 4)
