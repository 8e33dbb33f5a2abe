"""Findings call somebody only where the policy lets them, and their alerts follow the same life cycle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analytics.backtest.fold import fold
from tests.unit.analytics.backtest.given import Row, world
from tests.unit.analytics.ward import PATIENT, START, Value, Ward, compiled
from vigil.domain.alerts import Condition, Kind, Priority
from vigil.domain.policy import BEDSIDE_POLICY, Policy
from vigil.domain.times import SECOND

FLAT, RATE = "flat.heart_rate", "rate.spo2.low"
#: Seconds until a value that does not change is noticed, well over.
STUCK = 6000


def policy(**findings: Priority) -> Policy:
    return replace(BEDSIDE_POLICY, findings=dict(findings))


def ward(path: Path, of: Policy) -> Ward:
    made = Ward.with_one_patient(path, compiled())
    made.records.put_policy(PATIENT, of, "doctor", "test", START)
    return made


def stuck(of: Ward, start: int = 0, seconds: int = STUCK, value: float = 80.0) -> int:
    for second in range(start, start + seconds, 20):
        of.at(second)
        of.send(Value("heart_rate", second, value))
    return start + seconds


def moving(of: Ward, start: int, seconds: int = 900) -> int:
    for second in range(start, start + seconds, 20):
        of.at(second)
        of.send(Value("heart_rate", second, 80.0 + second // 20 % 7))
    return start + seconds


def test_a_finding_opens_a_technical_alert_and_ends_by_itself(tmp_path: Path) -> None:
    of = ward(tmp_path, policy(flat=Priority.LOW))
    second = stuck(of)
    alert = of.alert(FLAT)
    assert (alert.kind, alert.priority, alert.condition) == (Kind.TECHNICAL, Priority.LOW, Condition.TRUE)
    assert alert.evidence.text
    assert alert.evidence.values[0]["vital"] == "heart_rate"
    moving(of, second)
    assert of.steps(FLAT) == ["opened", "resolved"]


@pytest.mark.parametrize("priority", [Priority.MEDIUM, Priority.HIGH])
def test_the_policy_gives_the_priority_and_louder_ones_latch(priority: Priority, tmp_path: Path) -> None:
    of = ward(tmp_path, policy(flat=priority))
    moving(of, stuck(of))
    assert of.alert(FLAT).peak_priority is priority
    assert of.alert(FLAT).cleared


def test_what_the_policy_does_not_name_calls_nobody_but_stands_in_the_episode_log(tmp_path: Path) -> None:
    of = ward(tmp_path, policy())
    stuck(of)
    assert FLAT not in of.rules()
    rows = [Row("p-1", "heart_rate", START + at * SECOND, 80.0, START + at * SECOND) for at in range(0, STUCK, 20)]
    found = {each.rule: each.priority for each in fold(world(rows, policy()), compiled()).log}
    assert found[FLAT] is None


def test_one_that_the_policy_silences_meanwhile_still_ends(tmp_path: Path) -> None:
    of = ward(tmp_path, policy(flat=Priority.MEDIUM))
    second = stuck(of)
    of.records.put_policy(PATIENT, policy(), "doctor", "too many", of.clock.now_us())
    moving(of, second)
    assert not of.alert(FLAT).active


def test_a_past_finding_of_a_backfill_tells_nobody(tmp_path: Path) -> None:
    of = ward(tmp_path, policy(flat=Priority.LOW))
    of.at(3 * STUCK)
    late = [Value("heart_rate", at, 80.0, received_s=3 * STUCK) for at in range(0, STUCK, 20)]
    late += [Value("heart_rate", STUCK + at, 80.0 + at // 20 % 7, received_s=3 * STUCK) for at in range(0, 1800, 20)]
    of.send(*late)
    for later in (6, 12, 20):
        of.tick(3 * STUCK + later)
    assert FLAT not in of.rules()


def test_the_alert_is_the_same_after_a_restart(tmp_path: Path) -> None:
    of = ward(tmp_path, policy(flat=Priority.LOW))
    second = stuck(of)
    opened = of.alert(FLAT)
    of.restarted().catch_up()
    assert of.steps(FLAT) == ["opened"]
    moving(of, second)
    assert of.alert(FLAT).alert_id == opened.alert_id
    assert of.steps(FLAT) == ["opened", "resolved"]


def test_the_title_says_what_and_of_which_vital(tmp_path: Path) -> None:
    of = ward(tmp_path, policy(flat=Priority.LOW))
    stuck(of)
    assert "heart rate" in of.alert(FLAT).title.lower()
