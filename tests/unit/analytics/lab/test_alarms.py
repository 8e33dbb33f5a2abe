"""From notice lines to occurrences: what calls, what is listed, carried or held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics.lab.alarms import Alarm, Lane, read_alarms
from tests.unit.analytics.lab.given import at
from vigil.domain.alerts import Priority
from vigil.domain.errors import TableError
from vigil.domain.times import to_iso


def notice(minute: float, step: str, how: str | None = None, **changes: Any) -> dict[str, Any]:
    call = {} if how is None else {"call": {"how": how, "why": ""}}
    base = {
        "at": to_iso(at(minute)), "patient": "p-1", "alert": "a-1", "step": step, "rule": "news2", "kind": "physiological",
        "priority": "medium", "condition": "true", "handling": "unacknowledged", "retrospective": False,
    }  # fmt: skip
    return {**base, **call, **changes}


def told(tmp_path: Path, *lines: dict[str, Any]) -> list[Alarm]:
    path = tmp_path / "notices.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return read_alarms(path)


def test_without_a_decision_every_calling_step_of_an_unacknowledged_alert_interrupts(tmp_path: Path) -> None:
    (found,) = told(
        tmp_path,
        notice(0, "opened"),
        notice(1, "acknowledged", handling="acknowledged"),
        notice(2, "worsened", priority="high"),
        notice(3, "eased"),
        notice(4, "recurred", handling="acknowledged"),
        notice(5, "escalated", priority="high"),
    )
    assert found.calls == [at(0), at(2), at(5)]
    assert found.highs == [at(2), at(5)]
    assert found.worse == [at(2)]
    assert (found.priority, found.peak, found.shown) == (Priority.MEDIUM, Priority.HIGH, True)


def test_a_decision_decides(tmp_path: Path) -> None:
    (found,) = told(
        tmp_path,
        notice(0, "opened", "held"),
        notice(3, "called", "now"),
        notice(4, "escalated", "joined"),
        notice(9, "worsened", detail={"call": {"how": "now", "why": ""}}),
    )
    assert (found.calls, found.held, found.shown, found.listed_at) == ([at(3), at(9)], 1, True, None)


@pytest.mark.parametrize("how", ["joined", "inhibited", "snoozed", "none"])
def test_what_another_alert_carries_is_shown_to_nobody_on_its_own(tmp_path: Path, how: str) -> None:
    (found,) = told(tmp_path, notice(0, "opened", how))
    assert (found.calls, found.shown) == ([], False)
    (surfaced,) = told(tmp_path, notice(0, "opened", how), notice(5, "unsuppressed", "now"))
    assert (surfaced.calls, surfaced.shown) == ([at(5)], True)


def test_what_stands_in_the_list_is_an_alert_and_no_interruption(tmp_path: Path) -> None:
    (found,) = told(tmp_path, notice(0, "opened", "list", priority="low"))
    assert (found.calls, found.listed_at, found.shown) == ([], at(0), True)


def test_an_unverified_critical_value_has_its_own_lane(tmp_path: Path) -> None:
    lines = [
        notice(0, "opened", rule="unverified.spo2.low", kind="technical"),
        notice(1, "opened", alert="a-2", rule="no_data.w-1", kind="technical"),
        notice(2, "opened", alert="a-3"),
    ]
    assert [each.lane for each in told(tmp_path, *lines)] == [Lane.UNVERIFIED, Lane.TECHNICAL, Lane.PHYSIOLOGICAL]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notices.jsonl"
    path.write_text('{"at": ', "utf-8")
    with pytest.raises(TableError, match=r"notices\.jsonl"):
        read_alarms(path)
