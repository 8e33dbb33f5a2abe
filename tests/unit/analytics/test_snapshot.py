"""A snapshot that other detectors wrote is refused, and the state is built anew from the readings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analytics.detectors import detectors
from analytics.engine.engine import Engine
from tests.unit.analytics.engine_bed import copied, engine, judged, random_columns
from tests.unit.analytics.ward import Ward

LOW = "limit.spo2.low"


@pytest.mark.parametrize("missing", [0, -1])
def test_another_set_of_detectors_is_told_apart(missing: int) -> None:
    saved = engine().saved("engine")
    fewer = [each for place, each in enumerate(detectors()) if place != missing % len(detectors())]
    with pytest.raises(ValueError, match="other detectors"):
        Engine(detectors=fewer).load(saved, "engine")


def test_the_same_detectors_in_another_order_are_told_apart() -> None:
    with pytest.raises(ValueError, match="other detectors"):
        Engine(detectors=tuple(reversed(detectors()))).load(engine().saved("engine"), "engine")


def test_a_detector_with_another_memory_is_told_apart() -> None:
    saved = copied(engine().saved("engine"))
    names = saved["engine.detectors"].tolist()
    saved["engine.detectors"] = np.array([name.replace("drift/", "drift/1") for name in names])
    with pytest.raises(ValueError, match="other detectors"):
        engine().load(saved, "engine")


@pytest.mark.parametrize("name", ["detectors", "state", "running"])
def test_an_array_that_is_missing_is_noticed(name: str) -> None:
    one = engine()
    judged(one, random_columns(1, 200))
    saved = one.saved("engine")
    del saved[f"engine.{name}"]
    with pytest.raises(KeyError):
        engine().load(saved, "engine")


def test_a_snapshot_of_other_detectors_is_rebuilt_from_the_readings(tmp_path: Path) -> None:
    ward = Ward.with_one_patient(tmp_path)
    second = ward.run(0, [97] * 5 + [85] * 20)
    ward.analytics.save()
    with np.load(ward.path) as saved:
        arrays = dict(saved)
    arrays["engine.detectors"] = arrays["engine.detectors"][::-1].copy()
    np.savez(ward.path, **arrays)
    before = ward.analytics.state.engine.copy_slot(0)[0]
    ward.restarted().catch_up()
    assert "analytics_rebuilds_total 1.0" in ward.metrics.text().decode()
    np.testing.assert_array_equal(ward.analytics.state.engine.copy_slot(0)[0], before)
    ward.run(second, [97] * 61)
    assert ward.steps(LOW) == ["opened", "cleared"]
