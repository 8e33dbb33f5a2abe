"""Every query of the Grafana dashboards is asked of a filled ward, and the provisioning files fit together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.prometheus.test_answers import PROM, T0
from tests.unit.api.prometheus.test_sources import score
from tests.unit.api.site import START, Site, open_site
from vigil.domain.alerts import Priority
from vigil.domain.quality import Quality
from vigil.domain.times import HOUR, MINUTE

GRAFANA = Path(__file__).parents[4] / "deploy" / "grafana"
DASHBOARDS = {one.stem: json.loads(one.read_text()) for one in sorted((GRAFANA / "dashboards").glob("*.json"))}
#: What Grafana puts in for a dashboard of six hours.
VARIABLES = {"$ward": ".*", "$patient": "p-1", "$__interval": "60s"}


def queries() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{name}: {panel['title']} {target['refId']}", target)
        for name, dashboard in DASHBOARDS.items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


QUERIES = queries()


def filled_in(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    assert "$" not in text
    return text


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two patients for more than an hour, one of them with an incomplete score, an alert and a weak battery."""
    site = open_site(tmp_path_factory.mktemp("ward"))
    for number in (1, 2):
        device = f"w-{number}"
        site.admit(f"p-{number}", device)
        for vital, value in (("heart_rate", 80), ("spo2", 95), ("resp_rate", 16), ("battery_level", 30)):
            site.store(device, vital, [value + number] * 280, start=START, step_s=15)
        site.store(device, "spo2", [70], start=START + HOUR, quality=Quality.MOTION)
        for vital, value in (("bp_sys", 120), ("bp_dia", 80), ("body_temp", 37)):
            site.store(device, vital, [value], start=START + 50 * MINUTE)
        site.clock.jump_to(START)
    site.clock.advance(70 * 60)
    now = site.clock.now_us()
    scores = [score(now - MINUTE, 8, 8, 8), score(now - MINUTE, None, 2, 5, "p-2")]
    site.readings.append_scores(scores)
    for one in scores:
        site.bus.board.put_score(one)
    site.raise_alert("p-1", "limit.spo2.low", Priority.HIGH)
    yield site
    site.close()


@pytest.mark.parametrize("target", [one for _, one in QUERIES], ids=[name for name, _ in QUERIES])
def test_every_query_of_the_dashboards_is_answered(ward: Site, target: dict[str, Any]) -> None:
    end = T0 + 70 * 60
    query = {"query": filled_in(target["expr"])}
    if target["instant"]:
        answer = ward.call("POST", f"{PROM}/query", data={**query, "time": end})
    else:
        answer = ward.call(
            "POST", f"{PROM}/query_range", data={**query, "start": end - 6 * 3600, "end": end, "step": 60}
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["result"], "no data"


@pytest.mark.parametrize(
    ("title", "want"),
    [
        ("Patients with fresh values", ["2"]),
        ("Active alerts", ["0", "1"]),
        ("NEWS2 of 7 or more", ["1"]),
        ("Incomplete scores", ["1"]),
        ("NEWS2 now", ["8"]),
        ("Change of the heart rate in an hour", ["0"]),
        ("Age of the newest oxygen saturation", ["15"]),
    ],
)
def test_the_figures_are_right(ward: Site, title: str, want: list[str]) -> None:
    (target,) = [
        one["targets"][0]
        for dashboard in DASHBOARDS.values()
        for one in dashboard["panels"]
        if one["title"] == title and one["type"] == "stat"
    ]
    asked = {"query": filled_in(target["expr"]), "time": T0 + 70 * 60}
    result = ward.get(f"{PROM}/query", params=asked).json()["data"]["result"]
    assert sorted(one["value"][1] for one in result) == want


def test_every_variable_finds_values(ward: Site) -> None:
    found = {}
    for dashboard in DASHBOARDS.values():
        for variable in dashboard["templating"]["list"]:
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert asked is not None
            params = {"match[]": filled_in(asked[1]), "limit": "40000", "start": T0, "end": T0 + 3600}
            found[variable["name"]] = ward.get(f"{PROM}/label/{asked[2]}/values", params=params).json()["data"]
    assert found == {"ward": ["north"], "patient": ["p-1", "p-2"]}


def test_the_files_of_grafana_fit_together() -> None:
    sources = (GRAFANA / "provisioning" / "datasources" / "vigil.yaml").read_text()
    known = set(re.findall(r"uid: (\S+)", sources))
    assert set(DASHBOARDS) == {"patient", "ward"}
    for name, dashboard in DASHBOARDS.items():
        used = {one["datasource"]["uid"] for one in dashboard["panels"]}
        used |= {target["datasource"]["uid"] for one in dashboard["panels"] for target in one["targets"]}
        used |= {one["datasource"]["uid"] for one in dashboard["templating"]["list"]}
        assert used <= known
        assert (dashboard["id"], dashboard["uid"]) == (None, f"vigil-{name}")
        numbers = [one["id"] for one in dashboard["panels"]]
        assert len(set(numbers)) == len(numbers)
        declared = {f"${one['name']}" for one in dashboard["templating"]["list"]}
        written = set(re.findall(r"\$(?!__)\w+", json.dumps([one["targets"] for one in dashboard["panels"]])))
        assert written <= declared
    assert "/prom" in sources
    assert "/alertmanager" in sources
    assert not re.search(r"Bearer (?!\$VIGIL_TOKEN)", sources)
