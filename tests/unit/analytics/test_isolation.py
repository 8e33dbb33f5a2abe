"""A detector that raises is switched off by name; the others go on, and limits are never among those that can be switched off."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.detectors.contract import Said
from analytics.engine.engine import ESSENTIAL, Engine
from tests.unit.analytics.engine_bed import engine as watched
from tests.unit.analytics.ward import Value, Ward
from vigil.domain.alerts import Condition


def broken(*_: Any) -> Said:
    raise ZeroDivisionError("a fault in a detector")


def without(engine: Engine, name: str) -> None:
    """Replace the judge of one detector by a broken one."""
    number = engine.numbers[name]
    detectors = list(engine.detectors)
    detectors[number] = replace(detectors[number], judge=broken)
    engine.detectors = tuple(detectors)


def test_the_others_go_on_and_what_it_had_told_is_withdrawn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ward = Ward.with_one_patient(tmp_path)
    for second in range(0, 4000, 20):  # a stuck value
        ward.at(second)
        ward.send(Value("heart_rate", second, 90))
    assert ward.alert("flat.heart_rate").active
    without(ward.analytics.state.engine, "flat")
    with caplog.at_level(logging.ERROR):
        ward.at(4000)
        ward.send(Value("heart_rate", 4000, 90))
        ward.send(Value("heart_rate", 4001, 185), Value("heart_rate", 4002, 186), Value("spo2", 4002, 70))
    assert caplog.text.count("detector flat failed") == 1
    alert = ward.alert("flat.heart_rate")
    assert alert.condition is Condition.FALSE
    assert alert.evidence.text.endswith("Withdrawn: detector failed.")
    assert ward.alert("limit.spo2.low").active
    assert ward.alert("limit.heart_rate.high").active
    assert ward.analytics.failed_detectors == ["flat"]
    assert "analytics_detectors_failed 1.0" in ward.metrics.text().decode()


def test_its_scores_are_unknown_and_its_memory_is_fresh() -> None:
    engine = watched()
    number = engine.numbers["baseline"]
    without(engine, "baseline")
    judged = engine.update(np.zeros(3, np.int64), np.arange(3), np.full(3, 97.0), np.zeros(3, np.uint16))
    assert np.isnan(judged.scores[number]).all()
    assert not judged.codes[number].any()
    assert engine.state[number][0].tolist() == [fresh for _, fresh in engine.detectors[number].state]


@pytest.mark.parametrize("name", ESSENTIAL)
def test_without_limits_nobody_is_watched_so_the_process_must_end(name: str) -> None:
    engine = watched()
    without(engine, name)
    with pytest.raises(ZeroDivisionError):
        engine.update(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), np.zeros(1, np.uint16))
