"""The page about teams is true: its example is a team that is accepted, with the hole that the page names."""

from __future__ import annotations

import re
from pathlib import Path

from vigil.domain.deliveries import Target
from vigil.domain.team_file import Filled, parse_team
from vigil.domain.teams import last_level, on_call, targets
from vigil.domain.times import from_iso

PAGE = Path(__file__).parents[2] / "docs" / "teams.md"


def test_the_example_is_accepted_and_fills_the_hole_that_the_page_names() -> None:
    (example,) = re.findall(r"```toml\n(.*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
    accepted = parse_team(example, frozenset({"app", "pager", "mail"}))
    assert accepted.filled == (Filled("Saturday 19:00", "Monday 07:00", "dr.wang"),)
    assert "Saturday 19:00 to Monday 07:00" in PAGE.read_text("utf-8")
    team = accepted.team
    assert last_level(team) == 2
    monday = from_iso("2026-11-30T18:05:00Z")  # 19:05 in Berlin: both are on call
    assert on_call(team, monday) == ["chen.wei", "li.na"]
    assert targets(team, 1, monday) == tuple(Target("pager", one) for one in ("chen.wei", "li.na", "dr.wang"))
    assert on_call(team, from_iso("2026-12-24T20:00:00Z")) == ["dr.wang"]
