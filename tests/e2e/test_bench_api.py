"""``vigil bench api`` and ``vigil bench store`` in small: every question is answered, every stream fed, all goals named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.product import vigil


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_a_running_core_is_asked_and_watched(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    small = ["--patients", "200", "--rate", "60", "--history", "5000", "--settle", "1", "--seconds", "1"]
    done = vigil(
        "bench", "api", *small, "--clients", "5", "--watch", "1", "--json", str(out), timeout_s=220, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    bare, ward, _fresh, *day, _other, _else, alerts = [one["size"] for one in found["answers"]]
    assert (bare, ward, day, alerts) == (1, 100, [500, 500, 500], 100)
    assert all(len(one["seconds"]) >= 3 and min(one["seconds"]) > 0 for one in found["answers"])
    few, many = found["streams"]["publishing"]
    assert (few["fields"], many["fields"]) == (1, 6)
    assert many["octets"] > few["octets"] > 0
    assert "times bare" in done.stdout


def test_the_store_is_called_while_it_is_written_to(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    small = ["--patients", "200", "--history", "5000", "--rounds", "3"]
    done = vigil("bench", "store", *small, "--json", str(out), timeout_s=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert [one["goal"] for one in found] == [0.002, 0.015, 0.015, 0.010, 0.060, 0.010, None, 0.15, 0.2]
    assert all(one["found"] > 0 for one in found)
