"""``vigil bench ingest`` in small: every contestant drains what was published, and every pack is stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.product import vigil


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_everybody_drains_the_broker_and_every_pack_is_acknowledged(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    small = ["--messages", "500", "--devices", "20", "--steady", "2", "--rate", "20"]
    done = vigil("bench", "ingest", *small, "--json", str(out), timeout_s=220, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert len(found["drained"]) == 4
    for name, by_shape in found["drained"].items():
        assert [one["values"] > 0 and one["seconds"] > 0 for one in by_shape.values()] == [True, True], name
    steady = found["steady"]
    assert len(steady["stored_s"]) == steady["sent"] == 2 * 20
    assert max(steady["stored_s"]) < 20
    assert "p99" in done.stdout
