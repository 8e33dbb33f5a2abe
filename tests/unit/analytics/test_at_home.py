"""What the starting policy calls beside its limits, on drawn days: decision 0055.

A day of a value a minute (temperature: each five) at the usual level, then the curve of the last hours, drawn as "level@minutes"
after the day and straight in between. They scatter about as at rest (reference page "Physiology", section 1), without a memory.
"""

from __future__ import annotations

import numpy as np
import pytest

from analytics.backtest.fold import fold
from analytics.backtest.replay import replay
from tests.unit.analytics.backtest.given import START, Row, world
from tests.unit.analytics.ward import compiled
from vigil.domain.alerts import Priority, Step
from vigil.domain.phrases import chinese
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import DAY, MINUTE

SLOWER, FASTER, WARMER = "baseline.resp_rate.low", "breakout.heart_rate.high", "trend.body_temp.high"
SPREAD = {"resp_rate": 1.5, "heart_rate": 3.0, "body_temp": 0.1}
EVERY = {"resp_rate": 1, "heart_rate": 1, "body_temp": 5}

# vital, usual level, what follows -> rule and the minutes in which it calls, None = nobody is called
DRAWN = [
    # An opioid: breathing slows by 8 /min within the hour. At 12 /min NEWS2 has no point yet, and the limit is 10 /min.
    ("resp_rate", 19.0, "19@0 11@60 11@90", (SLOWER, 25, 60)),
    # Slow is no news about somebody who always breathes slowly.
    ("resp_rate", 15.0, "15@0 14@60 14@90", None),
    # A breath that is held.
    ("resp_rate", 19.0, "19@0 13@1 13@3 19@4 19@90", None),
    # Faster is what effort does; the limit alone watches it.
    ("resp_rate", 15.0, "15@0 22@10 22@30 15@40 15@90", None),
    # Too little for a jump, which is 30 /min in half an hour, and far below the limit of 130 /min.
    ("heart_rate", 70.0, "70@0 98@10 98@60", (FASTER, 10, 30)),
    # Stairs; a stroll of half an hour.
    ("heart_rate", 70.0, "70@0 115@2 115@4 75@8 70@90", None),
    ("heart_rate", 70.0, "70@0 84@3 84@33 70@38 70@90", None),
    # A fever that comes within hours; a swing as of every day; who is warm all the time is not getting warmer.
    ("body_temp", 36.7, "36.7@0 38.3@300 38.3@360", (WARMER, 180, 300)),
    ("body_temp", 36.7, "36.7@0 36.9@240 36.7@480", None),
    ("body_temp", 38.2, "38.2@0 38.2@240", None),
]


def rows(vital: str, usual: float, curve: str, seed: int = 5) -> list[Row]:
    rng = np.random.default_rng(seed)
    knots = [(float(minute), float(level)) for level, _, minute in (knot.partition("@") for knot in curve.split())]
    minutes = np.arange(0, 1440 + knots[-1][0], EVERY[vital])
    turns, levels = np.array(knots).T
    drawn = np.interp(minutes - 1440.0, turns, levels, left=usual)
    values = drawn + rng.normal(0.0, SPREAD[vital], minutes.size)
    digits = 1 if vital == "body_temp" else 0
    at = START + minutes.astype(np.int64) * MINUTE
    return [
        Row("p-1", vital, when, round(value, digits), when)
        for when, value in zip(at.tolist(), values.tolist(), strict=True)
    ]


@pytest.mark.parametrize(("vital", "usual", "curve", "expected"), DRAWN)
def test_a_drawn_day(vital: str, usual: float, curve: str, expected: tuple[str, int, int] | None) -> None:
    of = world(rows(vital, usual, curve), DEFAULT_POLICY)
    log = replay(of, fold(of, compiled()), compiled())
    found = [line for line in log if line.step is Step.OPENED and line.after.rule.partition(".")[2].startswith(vital)]
    if expected is None:
        assert [line.after.rule for line in found] == []
        return
    rule, first, last = expected
    assert found[0].after.rule == rule
    assert found[0].after.priority is Priority.MEDIUM
    assert first <= (found[0].at - START - DAY) / MINUTE <= last
    assert found[0].after.evidence.text
    assert chinese(found[0].after)
