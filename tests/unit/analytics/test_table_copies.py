"""Rows that stand twice in a table, and devices that several patients wore."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.backtest import arrange
from tests.unit.analytics.test_table import FULL, HEADER, SPOKEN, T0, column, read
from vigil.domain.times import HOUR, SECOND, to_iso


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (f"p,spo2,{SPOKEN},97,,,,,", f"p,spo2,{SPOKEN},97,,,,,", 1),
        (f"p,spo2,{SPOKEN},,,,,,", f"p,spo2,{SPOKEN},NaN,,,,,", 1),
        (f"p,spo2,{SPOKEN},0.0,,,,,", f"p,spo2,{SPOKEN},-0.0,,,,,", 1),
        (f"p,spo2,{SPOKEN},97,,,w,,4", f"p,spo2,{SPOKEN},97,{to_iso(T0 + HOUR)},,w,,4", 1),
        (f"p,spo2,{SPOKEN},97,,,w,,4", f"p,spo2,{SPOKEN},97,,,w,,5", 2),
        (f"p,spo2,{SPOKEN},97,,,w,,4", f"p,spo2,{SPOKEN},96,,,w,,4", 2),
        (f"p,spo2,{SPOKEN},97,,,w,,4", f"p,spo2,{SPOKEN},97,,,w,toe,4", 2),
        (f"p,spo2,{SPOKEN},97,,,w,,", f"p,spo2,{SPOKEN},97,,,v,,", 2),
        (f"p,spo2,{SPOKEN},97,,,w,,4", f"q,spo2,{SPOKEN},97,,,w,,4", 2),
        (f"p,spo2,{SPOKEN},97,,,,,", f"p,spo2,{to_iso(T0 + 1000)},97,,,,,", 2),
    ],
)
def test_copies(tmp_path: Path, one: str, other: str, kept: int) -> None:
    for lines in ((one, other), (other, one)):
        table = read(tmp_path, FULL, *lines)
        assert (len(table.readings), table.duplicates) == (kept, 2 - kept)
        assert column(table, "ordinal") == list(range(1, kept + 1))


def test_of_copies_the_first_receipt_stays(tmp_path: Path) -> None:
    early, late = to_iso(T0 + SECOND), to_iso(T0 + HOUR)
    lines = [f"p,spo2,{SPOKEN},97,{late},0,w,,1", f"p,spo2,{SPOKEN},97,{early},2,w,,1"]
    table = read(tmp_path, FULL, *lines)
    assert (column(table, "received_at"), column(table, "quality")) == ([T0 + SECOND], [2])


def test_a_device_that_two_patients_wore_is_one_for_each(tmp_path: Path) -> None:
    lines = [
        f"{patient},{vital},{SPOKEN},90,,,{device},,"
        for patient, device in (("a", "w"), ("b", "w"), ("b", "w#0"), ("c", ""), ("d", "backtest.2"))
        for vital in ("heart_rate", "spo2")
    ]
    table = read(tmp_path, FULL, *lines)
    owners: dict[str, set[int]] = {}
    for stream in table.streams:
        owners.setdefault(stream.device_id, set()).add(int(table.patient_of_stream[stream.stream]))
    assert all(len(wearers) == 1 for wearers in owners.values())
    assert sorted(owners) == ["backtest.2", "backtest.2#", "w#0", "w#0#", "w#1"]


def test_readings_with_one_fingerprint_are_compared_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrange, "_MIX", (0,) * 5)  # now all have the same
    lines = [f"p,spo2,{T0 // 1000 + n},{90 + m}" for n in range(3) for m in (1, 2, 1)]
    table = read(tmp_path, HEADER, *lines)
    assert (len(table.readings), table.duplicates) == (6, 3)
    assert column(table, "value") == [91, 92] * 3
