"""Debian's Prometheus is asked the same questions about the same samples; its ``promtool`` and ``amtool`` ask Vigil over HTTP."""

from __future__ import annotations

import json
import math
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.conftest import find
from tests.product import Product, eventually
from tests.unit.api.site import START, Site, open_site
from vigil.domain.alerts import Kind, Priority
from vigil.domain.lifecycle import Snooze, Stamp
from vigil.domain.people import Device
from vigil.domain.times import HOUR, MINUTE, SECOND
from vigil.runtime.clock import SystemClock

needs_prometheus = pytest.mark.skipif(
    not (find("prometheus") and find("promtool")), reason="needs Debian's prometheus, with promtool"
)
needs_amtool = pytest.mark.skipif(not find("amtool"), reason="needs prometheus-alertmanager, with amtool")

#: Off any round number, so that no sample lies exactly on the edge of a window: there Prometheus 2 and 3 differ.
PHASE_US = 137_000
T0 = START // SECOND
END = T0 + 3600

INSTANT = [
    "1+1",
    "2 ^ 3 ^ 2 % 7 / 4 - -1",
    "1 > bool 2",
    "time()",
    "vector(3.5)",
    "vital_heart_rate_per_minute",
    'vital_heart_rate_per_minute{patient="p-1"}',
    'vital_heart_rate_per_minute{patient=~"p-[12]",ward!="south"}',
    'vital_heart_rate_per_minute{patient!~"p-1|p-3"} offset 10m',
    'vital_spo2_percent{patient="p-1"}[2m]',
    "vital_heart_rate_per_minute > 80",
    "vital_heart_rate_per_minute > bool 80",
    "100 - vital_spo2_percent",
    "vital_heart_rate_per_minute / on(patient) vital_spo2_percent",
    "vital_heart_rate_per_minute > ignoring(site) vital_spo2_percent",
    "topk(2, vital_heart_rate_per_minute)",
    "bottomk(1, vital_heart_rate_per_minute) by (ward)",
    "sort_desc(vital_heart_rate_per_minute)",
    "timestamp(vital_spo2_percent)",
    'scalar(vital_spo2_percent{patient="p-2"}) + 1',
    'absent(vital_spo2_percent{patient="p-9",ward="east"})',
    "vital_heart_rate_per_minute and on(patient) (vital_spo2_percent < 94)",
    "vital_heart_rate_per_minute unless on(patient) (vital_spo2_percent < 94)",
    'vital_spo2_percent{patient="p-1"} or vital_heart_rate_per_minute{patient="p-2"}',
    "count(vital_heart_rate_per_minute)",
    '{__name__=~"vital_.*",patient="p-3"}',
    "-vital_spo2_percent",
    "nothing_at_all or vector(0)",
]
RANGE = [
    "vital_heart_rate_per_minute",
    "vital_spo2_percent offset 5m",
    "avg_over_time(vital_heart_rate_per_minute[5m])",
    "min_over_time(vital_spo2_percent[7m])",
    "max_over_time(vital_spo2_percent[7m] offset 3m)",
    "sum_over_time(vital_heart_rate_per_minute[90s])",
    "count_over_time(vital_heart_rate_per_minute[10m])",
    "last_over_time(vital_spo2_percent[20m])",
    "stddev_over_time(vital_heart_rate_per_minute[5m])",
    "stdvar_over_time(vital_heart_rate_per_minute[5m])",
    "quantile_over_time(0.9, vital_heart_rate_per_minute[5m])",
    "present_over_time(vital_spo2_percent[1m])",
    "rate((vital_heart_rate_per_minute[10m]))",
    "increase(vital_steps[15m])",
    "delta(vital_heart_rate_per_minute[10m])",
    "sum by (ward) (vital_heart_rate_per_minute)",
    "avg without (device, patient) (vital_heart_rate_per_minute)",
    "max(vital_heart_rate_per_minute) - min(vital_heart_rate_per_minute)",
    "quantile by (ward) (0.5, vital_heart_rate_per_minute)",
    "stddev(vital_heart_rate_per_minute)",
    "topk(1, vital_heart_rate_per_minute)",
    "group by (ward) (vital_spo2_percent)",
    "round(vital_heart_rate_per_minute / 7, 0.1)",
    "clamp(vital_heart_rate_per_minute, 70, 80)",
    "clamp_max(clamp_min(vital_heart_rate_per_minute, 75), 76)",
    "abs(vital_heart_rate_per_minute - 80)",
    "ceil(vital_heart_rate_per_minute / 3) + floor(vital_heart_rate_per_minute / 3)",
    "vital_heart_rate_per_minute == 80 or vector(0)",
    "time() - timestamp(vital_spo2_percent)",
    "sqrt(vital_spo2_percent) * ln(vital_spo2_percent) + exp(vital_spo2_percent / 50) + sgn(vital_spo2_percent - 95)",
    "3",
]
#: The status of what neither answers.
REFUSED = [
    "vital_spo2_percent[",
    "foo(vital_spo2_percent)",
    'vital_spo2_percent{patient=~"("}',
    "{}",
    "rate(vital_spo2_percent)",
    "1 > 2",
    "sum(1)",
]


def fill(site: Site) -> None:
    """An hour of three patients: seconds and minutes apart, with pauses longer than a value stays fresh."""
    noise = np.random.default_rng(7)
    for number, ward in ((1, "north"), (2, "north"), (3, "south")):
        site.admit(f"p-{number}", ward=ward)
        site.records.put_device(Device(f"w-{number}", "patch-2"))
        site.records.bind(f"w-{number}", f"p-{number}", START - HOUR)
        start = START + PHASE_US
        for part, (minute, count) in enumerate(((0, 900), (25, 700), (40, 1150))):
            values = np.round(70 + 5 * number + 4 * part + noise.normal(0, 4, count))
            site.store(f"w-{number}", "heart_rate", values.tolist(), start=start + minute * MINUTE)
        for minute, count in ((1, 11), (20, 39)):
            values = np.round(95 - number + noise.normal(0, 1.2, count), 1)
            site.store(f"w-{number}", "spo2", values.tolist(), start=start + minute * MINUTE, step_s=60.25)
    steps = np.r_[np.arange(0, 300, 11), np.arange(3, 400, 13)].astype(float)
    site.store("w-1", "steps", steps.tolist(), start=START + PHASE_US, step_s=60)
    site.clock.jump_to(START + HOUR)


def exposed(site: Site) -> str:
    """The stored samples as OpenMetrics, read from the store and labelled by hand: not by the code that is tested."""
    names = {0: "vital_heart_rate_per_minute", 1: "vital_spo2_percent", 16: "vital_steps"}
    lines = []
    for vital, name in names.items():
        lines.append(f"# TYPE {name} gauge")
        for stream in site.readings.streams():
            if stream.vital == vital:
                number = stream.device_id[-1]
                ward = "south" if number == "3" else "north"
                batch = site.readings.range([stream.stream], 0, 2 * START, 100_000)
                head = f'{name}{{device="{stream.device_id}",patient="p-{number}",ward="{ward}"}}'
                for at, value in zip(batch.measured_at.tolist(), batch.value.tolist(), strict=True):
                    lines.append(f"{head} {value} {at / SECOND:.3f}")
    return "\n".join(lines) + "\n# EOF\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Both:
    """The same hour in Vigil and in Prometheus."""

    site: Site
    client: httpx.Client

    def ask(self, path: str, **asked: Any) -> tuple[httpx.Response, httpx.Response]:
        ours = self.site.call("POST", f"/prom/api/v1/{path}", data=asked)
        return ours, self.client.post(f"/api/v1/{path}", data=asked)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("prometheus")
    site = open_site(folder)
    fill(site)
    samples = folder / "samples.txt"
    samples.write_text(exposed(site))
    command = [str(find("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(samples), str(folder / "tsdb")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (folder / "prometheus.yml").write_text("{}\n")
    port = free_port()
    command = [str(find("prometheus")), f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'tsdb'}", "--storage.tsdb.retention.time=100y"]
    command += [f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
    try:
        eventually(lambda: _ready(client), 60, "Prometheus is ready")
        yield Both(site, client)
    finally:
        client.close()
        process.terminate()
        process.wait(20)
        site.close()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.HTTPError:
        return False


def _close(ours: str, theirs: str) -> bool:
    one, other = float(ours), float(theirs)
    return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))


def assert_same(ours: Any, theirs: Any) -> int:
    """Series by series, point by point; how many numbers were compared."""
    assert ours["resultType"] == theirs["resultType"]
    if ours["resultType"] in ("scalar", "string"):
        assert ours["result"][0] == theirs["result"][0]
        assert _close(ours["result"][1], theirs["result"][1])
        return 1
    found = {json.dumps(one["metric"], sort_keys=True): one for one in ours["result"]}
    want = {json.dumps(one["metric"], sort_keys=True): one for one in theirs["result"]}
    assert sorted(found) == sorted(want)
    count = 0
    for key, one in want.items():
        mine, other = ([x["value"]] if "value" in x else x["values"] for x in (found[key], one))
        assert [at for at, _ in mine] == [at for at, _ in other], key
        wrong = [(at, a, b) for (at, a), (_, b) in zip(mine, other, strict=True) if not _close(a, b)]
        assert not wrong, (key, wrong[:3])
        count += len(mine)
    return count


@needs_prometheus
@pytest.mark.parametrize("query", INSTANT)
def test_an_instant_query_is_answered_as_by_prometheus(both: Both, query: str) -> None:
    compared = 0
    for at in (T0 + 605, T0 + 1207, T0 + 1500, T0 + 2415.5, END):
        ours, theirs = both.ask("query", query=query, time=at)
        assert (ours.status_code, theirs.status_code) == (200, 200), (ours.text, theirs.text)
        compared += assert_same(ours.json()["data"], theirs.json()["data"])
    assert compared


@needs_prometheus
@pytest.mark.parametrize("query", RANGE)
def test_a_range_query_is_answered_as_by_prometheus(both: Both, query: str) -> None:
    compared = 0
    for start, end, step in ((T0, END, "15s"), (T0 + 0.5, END, "47"), (T0 - 600, END + 900, "5m")):
        ours, theirs = both.ask("query_range", query=query, start=start, end=end, step=step)
        assert (ours.status_code, theirs.status_code) == (200, 200), (ours.text, theirs.text)
        compared += assert_same(ours.json()["data"], theirs.json()["data"])
    assert compared > 50


@needs_prometheus
@pytest.mark.parametrize("query", REFUSED)
def test_what_prometheus_does_not_understand_we_do_not_either(both: Both, query: str) -> None:
    ours, theirs = both.ask("query", query=query, time=T0)
    assert (ours.status_code, theirs.status_code) == (400, 400)
    assert set(ours.json()) == set(theirs.json()) == {"status", "errorType", "error"}
    assert ours.json()["errorType"] == theirs.json()["errorType"] == "bad_data"


@needs_prometheus
def test_two_series_that_come_to_have_the_same_labels_are_an_error_in_both(both: Both) -> None:
    for query in ('abs({__name__=~"vital_.*"})', "vital_heart_rate_per_minute / on(ward) vital_spo2_percent"):
        ours, theirs = both.ask("query", query=query, time=END)
        assert (ours.status_code, theirs.status_code) == (422, 422), (ours.text, theirs.text)
        assert ours.json()["errorType"] == theirs.json()["errorType"] == "execution"


@needs_prometheus
def test_labels_and_series_are_listed_as_by_prometheus(both: Both) -> None:
    match: dict[str, Any] = {
        "match[]": ['vital_heart_rate_per_minute{ward="north"}', 'vital_steps{patient=~"p.*"}'],
        "start": T0,
        "end": END,
    }
    for path in ("series", "labels"):
        ours, theirs = both.ask(path, **match)
        assert ours.json()["data"] == theirs.json()["data"]
    for name in ("__name__", "patient", "ward", "none"):
        ours = both.site.get(f"/prom/api/v1/label/{name}/values", params=match)
        theirs = both.client.get(f"/api/v1/label/{name}/values", params=match)
        assert ours.json()["data"] == theirs.json()["data"]


class WithToken:
    """What a proxy in front of Vigil does for clients that can send no header, as Debian's promtool."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"authorization", f"Bearer {self._token}".encode())]
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str, str]]:
    """A running Vigil: the site, its address, and its address behind a proxy that adds a token."""
    site = open_site(tmp_path_factory.mktemp("served"))
    fill(site)
    ports = (free_port(), free_port())
    apps: tuple[ASGIApp, ...] = (site.app, WithToken(site.app, site.token("nurse")))
    servers = [
        uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
        for app, port in zip(apps, ports, strict=True)
    ]
    threads = [threading.Thread(target=server.run) for server in servers]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: all(server.started for server in servers), 20, "uvicorn listens")
        yield site, f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
    finally:
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(20)
        site.close()


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(find(program)), *arguments], capture_output=True, text=True, timeout=30, check=False)


@needs_prometheus
def test_promtool_asks_us(served: tuple[Site, str, str]) -> None:
    _, bare, url = served
    prom = f"{url}/prom"
    assert run("promtool", "query", "instant", f"--time={END}", prom, "1+1").stdout == f"scalar: 2 @[{END}]\n"
    at = f"--time={T0 + 605}"
    found = run("promtool", "query", "instant", at, prom, 'vital_heart_rate_per_minute{patient="p-1"}')
    assert re.fullmatch(
        r'vital_heart_rate_per_minute\{device="w-1", patient="p-1", ward="north"\} => \d\d @\[\d+\]\n', found.stdout
    ), found
    found = run(
        "promtool", "query", "range", f"--start={T0}", f"--end={END}", "--step=10m", prom, "count(vital_spo2_percent)"
    )
    assert found.stdout.splitlines()[0] == "{} =>"
    assert found.stdout.count(" @[") >= 4
    found = run("promtool", "query", "series", f"--start={T0}", f"--end={END}", "--match=vital_steps", prom)
    assert found.stdout == '{__name__="vital_steps", device="w-1", patient="p-1", ward="north"}\n'
    assert run("promtool", "query", "labels", prom, "patient").stdout.split() == ["p-1", "p-2", "p-3"]
    refused = run("promtool", "query", "instant", prom, 'label_join(vital_steps, "a", "b", "c")')
    assert (refused.returncode, "not supported here: the function label_join" in refused.stderr) == (1, True)
    assert run("promtool", "query", "instant", f"{bare}/prom", "1+1").returncode == 1


@needs_amtool
def test_amtool_lists_our_alerts_and_snoozes(served: tuple[Site, str, str], tmp_path: Path) -> None:
    site, url, _ = served
    first = site.raise_alert("p-1")
    second = site.raise_alert("p-2", "missing.device", Priority.LOW, Kind.TECHNICAL)
    now = SystemClock().now_us()  # amtool leaves out by its own clock what has ended
    site.happen(second, Snooze(Stamp("command:c-1", now, "Li Na"), 1, now + HOUR, "sent Marker-Family to X-ray"))
    config = tmp_path / "http.yml"
    config.write_text(f"authorization: {{credentials: {site.token('nurse')}}}\n")

    def amtool(*arguments: str) -> Any:
        options = [f"--alertmanager.url={url}/alertmanager", f"--http.config.file={config}", "-o", "json"]
        found = run("amtool", *arguments, *options)
        assert found.returncode == 0, found
        assert "Marker" not in found.stdout
        return json.loads(found.stdout)

    (listed,) = amtool("alert", "query")
    assert listed["labels"]["alert"] == first.alert_id
    assert listed["annotations"]["description"] == "SpO2 84 %, below 90 % for 15 s."
    assert [one["labels"]["alert"] for one in amtool("alert", "query", "--silenced")] == [second.alert_id]
    assert len(amtool("alert", "query", 'priority=~"med.*"')) == 1
    assert amtool("alert", "query", "priority=high") == []
    (silence,) = amtool("silence", "query")
    assert silence["matchers"][0]["value"] == second.alert_id
    assert silence["status"] == {"state": "active"}


def test_the_running_product_tells_its_simulated_ward(product: Product) -> None:
    patients = "count(count by (patient) (vital_heart_rate_per_minute))"
    with product.client("research") as client:

        def counted() -> bool:
            result = client.get("/prom/api/v1/query", params={"query": patients}).json()["data"]["result"]
            return bool(result) and float(result[0]["value"][1]) >= 6

        eventually(counted, 60, "six patients have a fresh heart rate")
        wards = client.get("/prom/api/v1/label/ward/values").json()["data"]
        assert wards
        assert client.get("/alertmanager/api/v2/status").json()["cluster"]["status"] == "disabled"
