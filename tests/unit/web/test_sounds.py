"""The sounds, read as data, against the limits of the design page (section 8)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.web.page import own_scripts

TEXT = own_scripts()["page/sounds.js"]
PATTERNS: dict[str, dict[str, Any]] = json.loads(TEXT.partition("export const PATTERNS = ")[2].partition("};")[0] + "}")

#: Notes (Hz), pulse, rise, from start to start (ms); None = once.
TABLE = {
    "high": ([523] * 10, 150, 20, 10_000),
    "medium": ([392] * 3, 200, 30, 25_000),
    "low": ([330, 262], 200, 30, None),
    "test": ([262, 330, 392], 200, 30, None),
}
#: Lengths of a pulse and of a gap x, and silence between two bursts; ms.
LIMITS = {"high": ((75, 200), (50, 125), (2_500, 15_000)), "medium": ((125, 250), (125, 250), (2_500, 30_000))}
LIMITS["low"] = LIMITS["test"] = LIMITS["medium"]


def gaps(pattern: dict[str, Any]) -> list[int]:
    """Silence after each pulse but the last, ms."""
    return [later - at - pattern["pulse"] for at, later in zip(pattern["at"], pattern["at"][1:], strict=False)]


def test_patterns_are_those_of_the_table() -> None:
    found = {name: (one["hz"], one["pulse"], one["rise"], one.get("repeat")) for name, one in PATTERNS.items()}
    assert found == TABLE
    assert PATTERNS["high"]["at"] == [0, 250, 500, 1000, 1250, 2100, 2350, 2600, 3100, 3350]
    assert PATTERNS["medium"]["at"] == PATTERNS["test"]["at"] == [0, 400, 800]
    assert PATTERNS["low"]["at"] == [0, 400]


@pytest.mark.parametrize("name", TABLE)
def test_pulses_keep_the_limits(name: str) -> None:
    one = PATTERNS[name]
    pulse, gap, silence = LIMITS[name]
    assert pulse[0] <= one["pulse"] <= pulse[1]
    assert 0.1 <= one["rise"] / one["pulse"] <= 0.2
    assert len(one["hz"]) == len(one["at"])
    x = min(gaps(one))
    assert gap[0] <= x <= gap[1]
    if one.get("repeat"):
        assert silence[0] <= one["repeat"] - one["at"][-1] - one["pulse"] <= silence[1]


def test_high_is_ten_pulses_in_their_rhythm() -> None:
    one = PATTERNS["high"]
    found = gaps(one)
    x = found[0]
    assert found[2] == found[7] == 2 * x + one["pulse"]
    assert 350 <= found[4] <= 1_300
    assert {found[place] for place in (0, 1, 3, 5, 6, 8)} == {x}


def test_at_least_four_harmonics_are_heard() -> None:
    levels = re.search(r"const PARTIALS = \[0, (.*?)\]", TEXT)
    assert levels is not None
    partials = [float(one) for one in levels[1].split(",")]
    assert min(partials) / max(partials) > 10 ** (-15 / 20)  # within 15 dB
    for hz in {hz for one in PATTERNS.values() for hz in one["hz"]}:
        assert 150 <= hz <= 1_000
        assert sum(300 <= hz * n <= 4_000 for n in range(1, len(partials) + 1)) >= 4
