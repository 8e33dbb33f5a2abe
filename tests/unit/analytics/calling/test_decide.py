"""What becomes of an alert that asks for a person, among the patient's other alerts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.calling.budget import HELD_AT_MOST, Spent, by_expected_value, exempt
from analytics.calling.decide import decide, decided
from analytics.calling.inhibit import to_release, to_suppress
from analytics.calling.settling import DOUBT_WAITS
from tests.unit.analytics.calling.made import NOW, alert, ask, score, value
from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority, Step
from vigil.domain.calls import How, asks, call_of, interrupts
from vigil.domain.quality import Quality
from vigil.domain.times import HOUR, MINUTE

NEWS2_HIGH = alert("news2", "high", 5, evidence=score(heart_rate=2, resp_rate=3, spo2=2))
NEWS2_SINGLE = alert("news2", "low", evidence=score(resp_rate=3, heart_rate=1))
BREATHING = alert("limit.resp_rate.high", "medium", 3)
SATURATION_SEVERE = alert("limit.spo2.low", "high")
PRESSURE = alert("limit.bp_sys.low", "medium")


def acknowledged(one: Alert, minutes_ago: float) -> Alert:
    at = NOW - round(minutes_ago * MINUTE)
    return replace(one, handling=Handling.ACKNOWLEDGED, acknowledged_by="n", acknowledged_at=at)


def test_a_first_alert_calls_at_once() -> None:
    assert decide(ask(BREATHING)).how is How.NOW


# --- inhibit --------------------------------------------------------------------------------------------------------------


def test_a_news2_of_seven_carries_the_limits_of_what_scores_in_it() -> None:
    call = decide(ask(BREATHING, NEWS2_HIGH))
    assert (call.how, call.by) == (How.INHIBITED, NEWS2_HIGH.alert_id)
    assert decide(ask(PRESSURE, acknowledged(NEWS2_HIGH, 30))).how is How.NOW  # pressure does not score in it


def test_a_limit_carries_a_single_three_of_the_same_vital_only() -> None:
    assert decide(ask(NEWS2_SINGLE, BREATHING)).how is How.INHIBITED
    assert decide(ask(replace(NEWS2_SINGLE, evidence=score(spo2=3)), BREATHING)).how is How.LIST


@pytest.mark.parametrize(
    "change",
    [
        {"condition": Condition.UNKNOWN},
        {"condition": Condition.FALSE},
        {"snoozed_until": NOW + MINUTE},
        {"suppressed_by": "a-other"},
        {"resolved_reason": "over"},
    ],
)
def test_what_is_over_unknown_or_silent_itself_carries_nothing(change: dict[str, object]) -> None:
    source = replace(acknowledged(NEWS2_HIGH, 60), **change)  # type: ignore[arg-type]
    assert decide(ask(BREATHING, source)).how is How.NOW


def test_nothing_carries_a_severe_limit_nor_a_doubt_about_one() -> None:
    for severe in (
        SATURATION_SEVERE,
        alert("unverified.spo2.low", "high"),
        replace(BREATHING, peak_priority=Priority.HIGH),
        replace(BREATHING, evidence=value("resp_rate", 6, severe=True)),  # a policy that calls it at medium
    ):
        assert decide(ask(severe, acknowledged(NEWS2_HIGH, 1))).how is not How.INHIBITED


def test_of_two_pressures_of_one_cuff_the_first_carries_the_other() -> None:
    mean = alert("limit.bp_mean.low", "medium", 2)
    assert decide(ask(PRESSURE, acknowledged(mean, 1))).how is How.INHIBITED
    assert decide(ask(mean, acknowledged(PRESSURE, 1))).how is not How.INHIBITED
    assert decide(ask(replace(PRESSURE, device_id="w-2"), acknowledged(mean, 20))).how is How.NOW


def test_a_silent_sensor_carries_new_doubts_about_its_signal_but_none_that_were_open_before() -> None:
    silent = alert("no_signal.heart_rate", "low", 10)
    new, old, other = (alert("flat.heart_rate", "medium", ago) for ago in (0, 20, 0))
    assert decide(ask(new, silent)).how is How.INHIBITED
    assert decide(ask(old, silent)).how is How.NOW
    assert decide(ask(replace(other, device_id="w-2"), silent)).how is How.NOW


def test_a_lost_signal_says_that_its_sensor_is_silent() -> None:
    lost = alert("signal_lost.limit.spo2.low", "medium", 1)
    assert decide(ask(alert("no_data.w-1", "medium"), lost)).how is How.INHIBITED
    assert decide(ask(alert("no_data.w-1", "medium"), acknowledged(lost, 14))).how is How.INHIBITED


def test_a_silence_that_begins_after_a_lost_signal_was_dealt_with_has_its_own_call() -> None:
    """Data came in between: else a device that was away for 19 h would not call a second time."""
    lost = acknowledged(alert("signal_lost.limit.spo2.low", "medium", 600), 16)
    new = alert("no_data.w-1", "medium")
    again = replace(alert("no_data.w-1", "medium", 600), recurrence=1, updated_at=NOW)
    for each in (new, again):
        assert decide(ask(each, lost)).how is How.HELD
        assert decide(ask(each, lost, step=Step.CALLED)).how is How.NOW
        carried = replace(each, suppressed_by=lost.alert_id)
        assert to_release([carried, lost]) == [carried]


def test_a_reminder_of_the_same_silence_calls_once_with_the_lost_signal() -> None:
    lost = acknowledged(alert("signal_lost.limit.spo2.low", "medium", 300), 299)
    same = replace(alert("no_signal.spo2", "medium", 290), updated_at=NOW, suppressed_by=lost.alert_id)
    assert decide(ask(same, lost, step=Step.REALARMED)).how is How.INHIBITED
    assert to_release([same, lost]) == []


def test_an_open_alert_is_suppressed_when_its_carrier_comes_and_given_back_when_it_goes() -> None:
    assert to_suppress([BREATHING, NEWS2_HIGH]) == [(BREATHING, NEWS2_HIGH)]
    carried = replace(BREATHING, suppressed_by=NEWS2_HIGH.alert_id)
    assert to_suppress([carried, NEWS2_HIGH]) == []
    assert to_release([carried, NEWS2_HIGH]) == []
    eased = replace(NEWS2_HIGH, priority=Priority.MEDIUM)
    assert to_release([carried, eased]) == to_release([carried]) == [carried]


def test_an_acknowledged_alert_is_left_as_it_is() -> None:
    assert to_suppress([acknowledged(BREATHING, 1), NEWS2_HIGH]) == []


# --- list and group -------------------------------------------------------------------------------------------------------


def test_low_priority_interrupts_nobody() -> None:
    assert decide(ask(NEWS2_SINGLE)).how is How.LIST


def test_of_two_alerts_of_a_patient_one_calls() -> None:
    call = decide(ask(PRESSURE, BREATHING))
    assert (call.how, call.by) == (How.JOINED, BREATHING.alert_id)
    assert decide(ask(BREATHING, PRESSURE, step=Step.ESCALATED)).how is How.NOW
    assert decide(ask(PRESSURE, BREATHING, step=Step.ESCALATED)).how is How.JOINED


def test_a_worse_one_calls_again() -> None:
    assert decide(ask(alert("news2", "high", evidence=score(bp_sys=3)), BREATHING)).how is How.NOW


def test_high_joins_high_only_while_that_calls() -> None:
    assert decide(ask(SATURATION_SEVERE, NEWS2_HIGH)).how is How.JOINED
    assert decide(ask(SATURATION_SEVERE, acknowledged(NEWS2_HIGH, 1))).how is How.NOW


PULSE = alert("limit.heart_rate.high", "medium", 3)


def test_while_somebody_is_with_the_patient_what_has_the_same_cause_and_is_not_worse_joins() -> None:
    assert decide(ask(PRESSURE, acknowledged(PULSE, 14))).how is How.JOINED
    assert decide(ask(PRESSURE, acknowledged(PULSE, 16))).how is How.NOW
    assert decide(ask(PRESSURE, acknowledged(replace(PULSE, priority=Priority.LOW), 1))).how is How.NOW


def test_another_cause_is_news() -> None:
    assert decide(ask(PRESSURE, acknowledged(BREATHING, 1))).how is How.NOW
    sugar = alert("limit.glucose_mgdl.low")
    assert decide(ask(sugar, acknowledged(alert("news2", "medium"), 1))).how is How.NOW
    assert decide(ask(alert("drift.glucose_mgdl.low"), acknowledged(sugar, 1))).how is How.JOINED
    assert decide(ask(BREATHING, acknowledged(alert("news2", "medium"), 1))).how is How.JOINED


def test_a_technical_alert_never_silences_a_physiological_one_nor_the_other_way_round() -> None:
    flat = alert("flat.spo2", "high", 2)
    assert decide(ask(PRESSURE, flat)).how is How.NOW
    assert decide(ask(alert("flat.spo2", "medium"), BREATHING)).how is How.NOW


@pytest.mark.parametrize(
    "change", [{"suppressed_by": "a-x"}, {"snoozed_until": NOW + MINUTE}, {"held_until": NOW + MINUTE}]
)
def test_nobody_is_joined_who_does_not_call(change: dict[str, object]) -> None:
    assert decide(ask(PRESSURE, replace(BREATHING, **change))).how is How.NOW  # type: ignore[arg-type]


priorities = st.sampled_from(list(Priority))
open_alerts = st.lists(
    st.tuples(st.sampled_from(["limit.spo2.low", "limit.resp_rate.high", "news2", "no_data.w-1", "flat.spo2"]), priorities,
              st.integers(0, 60), st.booleans()),
    unique_by=lambda each: each[0], min_size=1,
)  # fmt: skip


@given(open_alerts)
def test_whoever_does_not_call_waits_for_one_who_did_or_who_was_answered(
    drawn: list[tuple[str, Priority, int, bool]],
) -> None:
    """In the order in which they open: following ``by`` ends at an alert that called or that somebody deals with."""
    answered: set[str] = set()
    others: list[Alert] = []
    for rule, priority, ago, taken in sorted(drawn, key=lambda each: -each[2]):
        evidence = score(spo2=3, resp_rate=2) if rule == "news2" else value("spo2", 89)
        line = decided(ask(alert(rule, priority.value, ago, evidence=evidence), *others))
        call = call_of(line)
        assert call is not None
        if call.how in (How.NOW, How.LIST, How.HELD) or taken or call.by in answered:
            answered.add(line.after.alert_id)
        assert line.after.alert_id in answered
        others.append(acknowledged(line.after, 1) if taken else line.after)


# --- what settles by itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["no_data.w-1", "no_signal.spo2", "signal_lost.limit.spo2.low"])
def test_missing_data_call_when_they_do_not_come_back(rule: str) -> None:
    gap = alert(rule, "medium")
    for step in (Step.OPENED, Step.WORSENED, Step.RECURRED):
        held = decided(ask(gap, step=step)).after
        assert held.held_until == NOW + 10 * MINUTE
    assert decide(ask(held, step=Step.CALLED)).how is How.NOW
    assert decide(ask(gap, step=Step.ESCALATED)).how is How.NOW


def test_nobody_waits_for_the_lost_signal_of_an_alert_of_high_priority() -> None:
    assert decide(ask(alert("signal_lost.limit.spo2.low", "high"))).how is How.NOW


def test_a_doubt_waits_for_a_valid_value_but_not_for_long_and_calls_at_once_when_confirmed() -> None:
    doubt = replace(
        alert("unverified.spo2.low", "high"), evidence=value("spo2", 78, severe=True, quality=Quality.MOTION)
    )
    held = decided(ask(doubt, room=False)).after
    assert held.held_until == NOW + DOUBT_WAITS < NOW + 2 * MINUTE
    assert decide(ask(held, step=Step.CALLED, room=False)).how is How.NOW
    confirmed = replace(doubt, kind=Kind.PHYSIOLOGICAL)
    assert decide(ask(confirmed, step=Step.CONFIRMED)).how is How.NOW


def test_a_doubt_for_a_weak_signal_calls_at_once() -> None:
    weak = value("spo2", 78, severe=True, quality=Quality.LOW_PERFUSION)
    assert decide(ask(replace(alert("unverified.spo2.low", "high"), evidence=weak), room=False)).how is How.NOW


def test_what_is_over_when_its_silence_ends_calls_nobody() -> None:
    over = replace(BREATHING, condition=Condition.FALSE)
    for step in (Step.CALLED, Step.UNSUPPRESSED, Step.SNOOZE_ENDED):
        assert decide(ask(over, step=step)).how is How.LIST
    assert decide(ask(replace(over, peak_priority=Priority.HIGH), step=Step.ESCALATED)).how is How.NOW


# --- budget ---------------------------------------------------------------------------------------------------------------


def test_beyond_the_budget_a_call_waits_ten_minutes_at_most() -> None:
    line = decided(ask(BREATHING, room=False))
    call = call_of(line)
    assert call is not None
    assert call.how is How.HELD
    assert line.after.held_until == NOW + HELD_AT_MOST == NOW + 10 * MINUTE
    assert not interrupts(line)
    assert interrupts(decided(ask(line.after, step=Step.CALLED, room=False)))


@pytest.mark.parametrize(
    "one",
    [
        replace(PRESSURE, evidence=value("bp_sys", 95, severe=True)),
        SATURATION_SEVERE,
        alert("news2", "medium", evidence=score(heart_rate=2, resp_rate=3)),
        alert("limit.resp_rate.high", evidence=value("resp_rate", 25)),
    ],
)
def test_no_budget_holds_high_priority_a_score_or_a_single_three(one: Alert) -> None:
    assert exempt(one)
    assert decide(ask(one, room=False)).how is How.NOW


def test_other_medium_alerts_can_be_held() -> None:
    for one in (alert("limit.glucose_mgdl.low", evidence=value("glucose_mgdl", 65)), alert("flat.spo2")):
        assert decide(ask(one, room=False)).how is How.HELD


def test_the_budget_counts_the_last_hour() -> None:
    spent = Spent()
    for minutes in (0, 30, 59):
        spent.note("A", NOW + minutes * MINUTE)
    assert spent.number("A", NOW + 59 * MINUTE) == 3
    assert spent.number("A", NOW + HOUR) == 2
    assert spent.number("B", NOW) == 0


def test_what_waits_is_called_worst_first_then_longest_waiting() -> None:
    low, late, early = alert("flat.spo2", "low", 9), alert("limit.bp_sys.low", minutes_ago=1), BREATHING
    assert by_expected_value([low, late, early], {}) == [early, late, low]


# --- lines ----------------------------------------------------------------------------------------------------------------


def test_only_a_line_that_asks_gets_an_answer() -> None:
    eased, taken = ask(BREATHING, step=Step.EASED).line, ask(acknowledged(BREATHING, 1)).line
    assert not asks(eased)
    assert not asks(taken)
    assert asks(ask(BREATHING).line)


def test_an_unverified_value_calls_like_a_physiological_alert() -> None:
    doubt = alert("unverified.spo2.low", "high", 1)
    assert doubt.kind is Kind.TECHNICAL
    assert decide(ask(PRESSURE, doubt)).how is How.JOINED
