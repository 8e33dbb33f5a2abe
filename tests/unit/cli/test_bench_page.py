"""``vigil bench page`` without a browser: what it makes of Chromium's profile, and what it prints."""

from __future__ import annotations

import io

from rich.console import Console

from cli.bench.page import TICK_MS, table
from cli.bench.page_browser import Looked, Opened, script_each_second


def test_script_is_what_ran_in_each_whole_second() -> None:
    names = {1: "(root)", 2: "(idle)", 3: "(program)", 4: "applyTick", 5: "(garbage collector)"}
    profile = {
        "nodes": [{"id": one, "callFrame": {"functionName": name}} for one, name in names.items()],
        "samples": [2, 4, 2, 5, 3, 2, 4, 2],
        "timeDeltas": [0, 100_000, 30_000, 870_000, 10_000, 20_000, 970_000, 40_000],
    }
    assert script_each_second(profile).tolist() == [30.0, 10.0]


def test_table_says_which_goals_are_missed() -> None:
    seen = Looked("ward", 20.0, 20, TICK_MS + 1, 80.0, 150.0, 9.0, 0.1, 5000, 5010)
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(table(1000, [Opened(900.0, 1), Opened(950.0, 1), Opened(1200.0, 1)], [seen]))
    lines = console.export_text().splitlines()
    said = {row[1].strip(): row[4].strip() for row in (line.split("│") for line in lines) if len(row) > 4}
    assert said["first patient to be seen, half of the times"] == "yes"
    assert said["ward: script a tick, half of them"] == "no"
    assert said["heap after collecting, growth"] == "yes"
