"""Back after an outage: everything arrives once, the newest first, and history holds up no live value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.gateway.outage import outage


@pytest.mark.parametrize(("minutes", "devices", "bytes_s"), [(15, 3, 4096.0), (60, 3, 65536.0), (5, 20, 8192.0)])
def test_live_values_wait_less_than_two_seconds_behind_history(
    tmp_path: Path, minutes: float, devices: int, bytes_s: float
) -> None:
    """The longer outage of issue 6 is ``python -m tests.unit.gateway.outage 6``: its waits are the same, its drain is longer."""
    report = outage(tmp_path, minutes / 60, devices, bytes_s)
    assert (report.lost_lines, report.doubled_lines, report.left_packs) == (0, 0, 0), report.table()
    assert max(report.waits) < 2.0, report.table()
    assert report.offline_packs < report.offline_lines / 8
    assert report.history_packs > report.offline_packs - 10 * devices


def test_history_keeps_to_its_rate(tmp_path: Path) -> None:
    report = outage(tmp_path, 0.25, 3, 1e6, history_packs_s=5.0)
    assert report.history_packs / 5.0 - 2 < report.drained_s < report.history_packs / 5.0 + 5, report.table()
    assert max(report.waits) < 0.2, report.table()
