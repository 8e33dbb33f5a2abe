"""The self-test as the core sees it: judged by its own policy, missed when it does not come, and in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analytics.backtest.run import Source
from analytics.runner import Analytics
from analytics.self_test import KEPT, SelfTestPlan
from tests.unit.analytics.ward import PATIENT, START, Value, Ward, patient
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Kind, Priority
from vigil.domain.lifecycle import Acknowledge, Stamp, apply
from vigil.domain.people import Binding, Device, Patient
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.self_test import ALARM_RULE, ALARMING, MISSING_RULE, NORMAL, PLATFORM, SELF_TEST_POLICY, VITAL
from vigil.domain.times import HOUR, SECOND
from vigil.runtime.metrics import Metrics

TEST = "self-test.up"
SILENCE_S, EVERY_S, PULSE_S = 60, 60, 5


class TriedWard(Ward):
    """A ward whose alarms are tried."""

    def __post_init__(self) -> None:
        self.forgot: list[int] = []
        self.wanted = True
        super().__post_init__()

    def restarted(self) -> Analytics:
        plan = SelfTestPlan(SILENCE_S * SECOND, EVERY_S * SECOND, self.wanted, self.forgot.append)
        self.bus, self.metrics = Bus(), Metrics()
        self.analytics = Analytics(
            self.readings, self.records, self.bus, self.clock, self.path, self.metrics, self.kernels, plan
        )
        return self.analytics

    def set_up(self) -> None:
        self.records.add_patient(Patient(TEST, "Self-test", "up", date(2000, 1, 1), "unknown", "self-test"))
        self.records.put_device(Device(TEST, "self-test", {VITAL: PULSE_S}))
        self.records.bind(TEST, TEST, self.clock.now_us() - SECOND)

    def watch(self, start: int, seconds: int, *, alarms: bool = True, acknowledged: bool = True) -> int:
        """As the watchdog does it; returns the second after the last one."""
        for second in range(start, start + seconds):
            self.at(second)
            if second % PULSE_S == 0:
                low = alarms and second % EVERY_S == 0
                self.send(Value(VITAL, second, ALARMING if low else NORMAL, device_id=TEST))
            self.tick()
            if acknowledged:
                self._acknowledge()
        return start + seconds

    def _acknowledge(self) -> None:
        for alert in self.records.alerts(patient_id=TEST, open_only=True):
            stamp = Stamp(f"command:{alert.alert_id}:{alert.version}", self.clock.now_us(), "vigil self-test")
            line = apply(alert, Acknowledge(stamp, alert.version), SELF_TEST_POLICY)
            if line is not None:
                self.records.record(line)

    def missing(self) -> Alert | None:
        return next(iter(self.records.alerts(patient_id=PLATFORM)), None)


@pytest.fixture
def ward(tmp_path: Path) -> TriedWard:
    ward = TriedWard(tmp_path / "analytics.npz")
    ward.set_up()
    return ward


def wait(ward: TriedWard, start: int, end: int) -> None:
    """Nothing comes."""
    for second in range(start, end):
        ward.tick(second)


def own_lines(ward: TriedWard) -> list[tuple[str, str]]:
    return [(line.after.rule, line.step.value) for line in ward.records.log if line.after.patient_id == TEST]


def test_its_alert_comes_each_round_and_ends_and_nothing_is_missing(ward: TriedWard) -> None:
    ward.watch(1, 590)
    came = [step for rule, step in own_lines(ward) if step in ("opened", "recurred")]
    assert len(came) == 9
    assert {rule for rule, _ in own_lines(ward)} == {ALARM_RULE}, "no score, no missing data, no finding of its own"
    assert ward.missing() is None
    assert all(not alert.open for alert in ward.records.alerts(patient_id=TEST))


def test_readings_that_stop_are_missed_medium_then_high(ward: TriedWard) -> None:
    end = ward.watch(1, 300)
    last = end - 1 - (end - 1) % PULSE_S
    wait(ward, end, last + SILENCE_S + 1)
    assert ward.missing() is None
    ward.tick(last + SILENCE_S + 1)
    alert = ward.missing()
    assert alert is not None
    assert (alert.rule, alert.kind, alert.priority, alert.title) == (
        MISSING_RULE, Kind.TECHNICAL, Priority.MEDIUM, "Self-test missing: alarms may not work",
    )  # fmt: skip
    assert alert.evidence.text == "No reading of the self-test 'up' for 61 s."
    assert (alert.onset_at - START) // SECOND == last
    wait(ward, last + SILENCE_S + 2, last + 2 * SILENCE_S + 2)
    assert ward.steps(MISSING_RULE) == ["opened", "worsened"]
    alert = ward.missing()
    assert alert is not None
    assert alert.priority is Priority.HIGH


def test_an_alert_that_stops_is_missed_though_readings_come(ward: TriedWard) -> None:
    end = ward.watch(1, 300)
    ward.watch(end, EVERY_S + SILENCE_S + 10, alarms=False)
    alert = ward.missing()
    assert alert is not None
    assert alert.evidence.text.startswith("The alert of the self-test 'up' has been due for ")


def test_it_ends_when_readings_and_an_alert_have_come_again(ward: TriedWard) -> None:
    end = ward.watch(1, 299)
    wait(ward, end, end + 70)
    end = ward.watch(end + 70, 40, alarms=False)
    alert = ward.missing()
    assert alert is not None
    assert alert.active, "readings alone prove nothing"
    ward.watch(end, EVERY_S + PULSE_S)
    assert ward.steps(MISSING_RULE) == ["opened", "cleared"]


def test_a_restart_does_not_take_silence_for_proof(ward: TriedWard) -> None:
    end = ward.watch(1, 299)
    wait(ward, end, end + 70)
    ward.restarted()
    wait(ward, end + 70, end + 100)
    alert = ward.missing()
    assert alert is not None
    assert alert.active


def test_a_core_without_a_watchdog_says_so(tmp_path: Path) -> None:
    ward = TriedWard(tmp_path / "analytics.npz")
    wait(ward, 0, SILENCE_S + 2)
    alert = ward.missing()
    assert alert is not None
    assert alert.evidence.text == "No watchdog has set up a self-test for 61 s."


def test_a_watchdog_that_is_switched_off_is_not_missed_and_ends_what_was(tmp_path: Path) -> None:
    ward = TriedWard(tmp_path / "analytics.npz")
    wait(ward, 0, SILENCE_S + 2)
    ward.wanted = False
    ward.restarted()
    wait(ward, SILENCE_S + 2, 3 * SILENCE_S)
    assert ward.steps(MISSING_RULE) == ["opened", "cleared"]


def test_a_halt_of_the_core_itself_is_not_the_self_tests_silence(ward: TriedWard) -> None:
    end = ward.watch(1, 300)
    ward.watch(end + 3600, 120)
    assert ward.missing() is None


def test_a_change_of_the_records_does_not_withdraw_it(tmp_path: Path) -> None:
    ward = TriedWard(tmp_path / "analytics.npz")
    wait(ward, 0, SILENCE_S + 2)
    ward.records.add_patient(patient())
    ward.tick(SILENCE_S + 2)
    assert ward.steps(MISSING_RULE) == ["opened"]


def test_no_policy_of_a_person_can_silence_it(ward: TriedWard) -> None:
    harmless = replace(DEFAULT_POLICY, limits=())
    ward.records._policies[TEST] = harmless
    ward.records.put_patient(ward.records.patient(TEST))
    ward.watch(1, 130)
    assert (ALARM_RULE, "opened") in own_lines(ward)


def test_it_has_no_score_no_coverage_and_no_part_in_the_ward(ward: TriedWard) -> None:
    ward.records.add_patient(patient())
    ward.watch(1, 130)
    board = ward.bus.board
    assert board.score(TEST) is None
    assert board.coverage(TEST) is None
    assert board.coverage(PATIENT) is not None
    assert ward.readings.stored_scores == []


def test_its_old_lines_are_forgotten_now_and_then(ward: TriedWard) -> None:
    ward.watch(1, 1300)
    first = ward.clock.now_us()
    assert len(ward.forgot) == 3
    assert ward.forgot[0] == START + SECOND - KEPT
    assert ward.forgot[-1] < first - HOUR


def test_a_back_test_of_the_store_leaves_it_out(tmp_path: Path) -> None:
    bindings = tuple(Binding(number, who, who, 0, None) for number, who in enumerate((TEST, PATIENT), 1))
    source = Source(tmp_path, True, bindings=bindings)
    assert source.all_patients() == [PATIENT]
    assert replace(source, patients=(TEST,)).all_patients() == []
