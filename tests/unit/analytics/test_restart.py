"""Kill and restart at any point: the same alert log, nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics import recover
from analytics.directory import Directory
from analytics.recover import position_before, replayed
from analytics.state import State
from tests.unit.analytics.stores import Killed
from tests.unit.analytics.ward import START, Value, Ward
from vigil.domain.quality import Quality
from vigil.domain.times import DAY, SECOND

Line = tuple[str, str, str, int, str, str]

# A night in 47 batches: low, severe, an unverified value that is confirmed, a second vital, and a backfill with a past episode.
RUNS: list[tuple[str, float, int, int]] = [
    ("spo2", 97, 20, 0),
    ("spo2", 85, 40, 0),
    ("spo2", 78, 5, 0),
    ("spo2", 97, 70, 0),
    ("heart_rate", 25, 3, int(Quality.MOTION)),
    ("heart_rate", 25, 3, 0),
    ("heart_rate", 70, 70, 0),
    ("spo2", 70, 2, int(Quality.CONTACT_LOST)),
    ("spo2", 97, 70, 0),
    ("spo2", 85, 20, 0),
]


def night() -> list[list[Value]]:
    batches: list[list[Value]] = []
    second = 0
    for vital, value, seconds, quality in RUNS:
        run = [Value(vital, second + n, value, quality) for n in range(seconds)]
        batches += [run[start : start + 7] for start in range(0, len(run), 7)]
        second += seconds
    late = [Value("bp_sys", -1800, 70, received_s=second), Value("bp_sys", -900, 120, received_s=second)]
    old_spo2 = [Value("spo2", -3000, 75, received_s=second), Value("spo2", -2000, 74, received_s=second)]
    return [*batches, late, old_spo2]


def summary(ward: Ward) -> list[Line]:
    """What was decided and why, alert by alert; what depends on the second of deciding is left out."""
    return sorted(
        (
            line.after.alert_id,
            line.step.value,
            line.cause,
            line.after.onset_at,
            line.after.evidence.text,
            line.after.priority,
        )
        for line in ward.records.log
        if line.cause.startswith("ordinal:") and line.after.rule != "news2"
    )


def drive(ward: Ward, batches: list[list[Value]], saves: frozenset[int] = frozenset()) -> None:
    for number, batch in enumerate(batches):
        ward.at(max(value.received_s or value.measured_s for value in batch))
        ward.send(*batch)
        if number in saves:
            ward.analytics.save()
    for _ in range(8):
        ward.tick((ward.clock.now_us() - START) / SECOND + 1)


def undisturbed(path: Path) -> list[Line]:
    ward = Ward.with_one_patient(path)
    drive(ward, night())
    return summary(ward)


def test_the_night_is_worth_testing(tmp_path: Path) -> None:
    steps = {(line[1], line[2].split(":")[0]) for line in undisturbed(tmp_path)}
    assert {step for step, _ in steps} >= {"opened", "worsened", "cleared", "confirmed", "recurred"}


def test_killed_between_any_two_batches(tmp_path: Path) -> None:
    expected = undisturbed(tmp_path)
    batches = night()
    for cut in range(len(batches) + 1):
        ward = Ward.with_one_patient(tmp_path)
        ward.path = tmp_path / f"cut-{cut}.npz"
        ward.restarted()
        for number, batch in enumerate(batches):
            if number == cut:
                ward.restarted().catch_up()
            ward.at(max(value.received_s or value.measured_s for value in batch))
            ward.send(*batch)
            if number == 20:
                ward.analytics.save()
        drive(ward, [])
        assert summary(ward) == expected, f"killed before batch {cut}"


def test_killed_after_any_line_of_the_log(tmp_path: Path) -> None:
    """The hardest moment: the line is stored, nobody was told, the rest of the batch was not judged."""
    expected = undisturbed(tmp_path)
    for lines in range(1, len(expected) + 1):
        ward = Ward.with_one_patient(tmp_path)
        ward.path = tmp_path / f"line-{lines}.npz"
        ward.restarted()
        ward.records.die_after = lines
        for number, batch in enumerate(night()):
            ward.at(max(value.received_s or value.measured_s for value in batch))
            try:
                ward.send(*batch)
            except Killed:
                ward.restarted().catch_up()
            if number % 9 == 0:
                ward.analytics.save()
        ward.records.die_after = None
        drive(ward, [])
        assert summary(ward) == expected, f"killed after line {lines}"


def test_stored_but_never_published_readings_are_judged_after_the_restart(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.send(Value("spo2", 0, 97))
    ward.analytics.save()
    ward.stored([Value("spo2", 1, 78)])
    ward.restarted().catch_up()
    assert ward.steps("limit.spo2.low") == ["opened"]


def test_a_gap_on_the_bus_is_filled_from_the_store(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.send(Value("spo2", 0, 97))
    lost = ward.stored([Value("spo2", 1, 78)])
    ward.send(Value("spo2", 2, 97))
    assert ward.steps("limit.spo2.low") == ["opened"]
    ward.analytics.process(lost)
    ward.analytics.process(ward.readings.all)
    assert ward.analytics.position == 3
    assert ward.steps("limit.spo2.low") == ["opened"]


def test_a_replay_without_snapshot_records_nothing_twice(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    drive(ward, night())
    before = summary(ward)
    ward.path.unlink(missing_ok=True)
    ward.restarted().catch_up()
    drive(ward, [])
    assert summary(ward) == before
    assert ward.analytics.position == len(ward.readings.all)


def test_what_people_did_meanwhile_is_not_undone_by_a_replay(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    second = ward.run(0, [97] * 5 + [78] * 3)
    ward.acknowledge("limit.spo2.low")
    ward.run(second, [97] * 61)
    assert ward.steps("limit.spo2.low") == ["opened", "acknowledged", "resolved"]
    ward.path.unlink(missing_ok=True)
    ward.restarted().catch_up()
    ward.tick()
    assert ward.steps("limit.spo2.low") == ["opened", "acknowledged", "resolved"]


@pytest.mark.parametrize("damage", ["cut", "noise", "version", "other store", "missing array", "empty"])
def test_a_snapshot_that_cannot_be_used_is_left_aside(tmp_path: Path, damage: str) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.run(0, [97] * 5 + [85] * 20)
    ward.analytics.save()
    content = ward.path.read_bytes()
    if damage == "cut":
        ward.path.write_bytes(content[: len(content) // 2])
    elif damage == "noise":
        ward.path.write_bytes(content[:3000] + bytes(2000) + content[5000:])
    elif damage == "empty":
        ward.path.write_bytes(b"")
    else:
        with np.load(ward.path) as saved:
            arrays = dict(saved)
        if damage == "version":
            arrays["meta"][0] += 1
        elif damage == "other store":
            arrays["meta"][1] = 10_000
        else:
            del arrays["engine.state"]
        np.savez(ward.path, **arrays)
    ward.restarted().catch_up()
    assert "analytics_rebuilds_total 1.0" in ward.metrics.text().decode()
    assert ward.steps("limit.spo2.low") == ["opened"]
    ward.run(25, [97] * 61)
    assert ward.steps("limit.spo2.low") == ["opened", "cleared"]


def test_a_usable_snapshot_is_used_and_replays_only_what_came_after(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.run(0, [97] * 5 + [85] * 20)
    ward.analytics.save()
    ward.run(25, [85] * 3)
    ward.restarted().catch_up()
    text = ward.metrics.text().decode()
    assert "analytics_rebuilds_total 0.0" in text
    assert "analytics_readings_total 3.0" in text


def test_a_snapshot_is_written_every_ten_seconds_and_never_half(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.run(0, [97])
    assert not ward.path.exists()
    ward.at(11)
    ward.clock.advance(11)
    ward.tick()
    assert ward.path.exists()
    assert list(tmp_path.iterdir()) == [ward.path]


def test_a_disk_that_cannot_take_the_snapshot_does_not_stop_the_judging(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.path = tmp_path / "gone" / "analytics.npz"
    ward.restarted().catch_up()
    ward.run(0, [97])
    ward.clock.advance(11)
    ward.tick()
    ward.send(Value("spo2", 12, 70))
    assert ward.steps("limit.spo2.low") == ["opened"]
    assert "analytics_snapshot_failures_total 1.0" in ward.metrics.text().decode()


def test_no_snapshot_while_a_past_episode_waits_to_be_told(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.send(Value("spo2", 3600, 97, received_s=3600), Value("spo2", 0, 70, received_s=3600))
    ward.clock.advance(3600)
    for _ in range(4):  # late data settle, the quiet is noticed, the past is gathered, and told
        ward.clock.advance(11)
        ward.tick()
    assert ward.steps("limit.spo2.low") == ["opened"]
    assert ward.alert("limit.spo2.low", retrospective=True).cleared
    assert ward.path.exists()


def test_rebuilding_starts_at_the_readings_of_the_last_day(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.stored([Value("spo2", hour * 3600.0, 97) for hour in range(100)])
    at = START + 99 * 3600 * SECOND
    assert position_before(ward.readings, at - DAY) == 75
    assert position_before(ward.readings, 0) == 0
    assert position_before(ward.readings, at + DAY) == 100
    assert recover.REBUILD_FROM == DAY


def test_replaying_stops_where_it_is_told(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    ward.stored([Value("spo2", n, 97) for n in range(10)])
    ward.analytics.catch_up()
    assert ward.analytics.position == 10
    state = State(Directory(ward.records), ward.readings)
    assert [len(batch) for batch in replayed(ward.readings, state, 0)] == []
