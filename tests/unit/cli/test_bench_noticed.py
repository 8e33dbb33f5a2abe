"""``vigil bench noticed`` without a browser: whose alert is followed, and what is printed of it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import httpx
from rich.console import Console

from cli.bench.noticed import WHO, Chain, _called, table

CHAIN = Chain("SpO2 low", "high", 15.0, 0.5, 16.0, 16.25, 16.5, 16.75, 20.25)


def rows(chain: Chain) -> dict[str, tuple[str, str]]:
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(table(chain))
    cells = [line.split("│") for line in console.export_text().splitlines()]
    return {one[1].strip(): (one[2].strip(), one[3].strip()) for one in cells if len(one) > 4}


def test_each_link_is_told_since_the_measurement_and_since_the_one_before() -> None:
    said = rows(CHAIN)
    assert said["received by the core"] == ("0.50", "0.50")
    assert said["alert raised (the policy waits 15 s)"] == ("16.00", "15.50")
    assert said["tone sounds"] == ("16.75", "0.25")
    assert said["tile at the top"] == ("20.25", "4.00 *")


def test_what_did_not_come_is_said() -> None:
    said = rows(replace(CHAIN, asked=None, sounds=None, on_top=None))
    assert said["tone sounds"] == said["tile at the top"] == ("not in time", "")


def alert(patient: str, how: str = "now", **more: Any) -> dict[str, Any]:
    limit = {"vital": "spo2", "delay_s": 15, "severe": False}
    plain = {
        "id": f"a-{patient}",
        "patient_id": patient,
        "priority": "high",
        "handling": "unacknowledged",
        "version": 3,
    }
    return {**plain, "call": {"how": how}, "evidence": {"limit": limit}, **more}


def test_colleagues_take_what_calls_beside_the_one_that_is_followed() -> None:
    taken = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            taken.append(request.url.path)
            return httpx.Response(409)
        return httpx.Response(200, json={"items": found})

    with httpx.Client(base_url="http://core/api/v1", transport=httpx.MockTransport(answer)) as http:
        found = [alert("p-1"), alert("p-2", handling="acknowledged"), alert(WHO, "held"), alert("p-3")]
        assert _called(http) is None
        assert [one.split("/")[-2] for one in taken] == ["a-p-1", f"a-{WHO}", "a-p-3"]
        found = [alert(WHO), alert("p-1")]
        assert _called(http) == found[0]
