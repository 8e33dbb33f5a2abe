"""Processes that die: nothing is lost, nothing is doubled, alerts stay."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.publishers import Device, Publisher, enrol
from tests.product import Product, eventually

PACKS = 1500


def raw(api: httpx.Client, device: Device, vital: str) -> list[tuple[str, float]]:
    params: dict[str, str | int | bool] = {"vital": vital, "raw": True, "points": 5000, "from": from_now(-7200)}
    answer = api.get(f"/api/v1/patients/{device.patient_id}/vitals", params=params)
    answer.raise_for_status()
    return [(point["at"], point["value"]) for stream in answer.json()["streams"] for point in stream["raw"] or []]


def from_now(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


def ready(product: Product) -> bool:
    try:
        return httpx.get(f"{product.url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.mosquitto
@pytest.mark.timeout(240)
def test_kill_9_of_the_core_in_the_middle(tmp_path: Path) -> None:
    with Product.started(tmp_path) as product:
        with product.client() as api:
            device = enrol(api, 1)
        start = time.time() - PACKS
        with Publisher(device) as publisher:
            for seq in range(PACKS):
                spo2 = 85 if seq >= 20 else 97
                values = ({"n": "spo2", "v": spo2}, {"n": "hr", "v": 60 + seq % 40})
                publisher.publish(device.pack(seq, *values, at=start + seq), wait=seq % 50 == 0)
                if seq in (PACKS // 3, 2 * PACKS // 3):
                    eventually(lambda: product.children("run core"), 30, "the core was started again")
                    product.kill("run core")
            eventually(
                lambda: publisher.acks and publisher.acks[-1]["seq"] == PACKS - 1, 90, "the last pack acknowledged"
            )
        with product.client() as api:
            for vital in ("spo2", "heart_rate"):
                counts = Counter(raw(api, device, vital))
                assert len(counts) == PACKS, f"{vital}: lost {PACKS - len(counts)}"
                assert max(counts.values()) == 1, f"{vital}: doubled"
            alerts: list[dict[str, Any]] = api.get(f"/api/v1/patients/{device.patient_id}/alerts?state=all").json()[
                "items"
            ]
            rules = Counter(alert["rule"] for alert in alerts)
            assert rules["limit.spo2.low"] == 1, rules


@pytest.mark.timeout(240)
def test_an_open_alert_and_its_acknowledgement_survive_kill_9(tmp_path: Path) -> None:
    with Product.started(tmp_path) as product:
        with product.client() as api:
            device = enrol(api, 1)
        now = time.time()
        with Publisher(device) as publisher:
            publisher.publish(device.pack(0, {"n": "spo2", "v": 75}, {"n": "hr", "v": 190}, at=now))

        def alerts() -> dict[str, dict[str, Any]]:
            with product.client("nurse") as api:
                items = api.get(f"/api/v1/patients/{device.patient_id}/alerts?state=open").json()["items"]
            return {alert["rule"]: alert for alert in items if alert["rule"].startswith("limit.")}

        before = eventually(lambda: alerts() if len(alerts()) == 2 else {}, 10, "two alerts")
        assert {alert["priority"] for alert in before.values()} == {"high"}
        with product.client("nurse") as api:
            chosen = before["limit.spo2.low"]
            api.post(
                f"/api/v1/alerts/{chosen['id']}/acknowledge", json={"version": chosen["version"]}
            ).raise_for_status()
        old = product.kill("run core")
        eventually(lambda: product.children("run core") not in ([], [old]) and ready(product), 60, "the core is back")
        after = alerts()
        assert {rule: alert["id"] for rule, alert in after.items()} == {
            rule: alert["id"] for rule, alert in before.items()
        }
        assert after["limit.spo2.low"]["handling"] == "acknowledged"


@pytest.mark.timeout(120)
def test_ctrl_c_stops_everything_and_leaves_nothing_running(tmp_path: Path) -> None:
    with Product.started(tmp_path, patients=2) as product:
        eventually(lambda: len(product.children("")) == 4, 30, "broker, core, ward and watchdog")
        children = product.children("")
        assert product.stop() == 0
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not (product.data_dir / "run.json").exists()


@pytest.mark.recordings
@pytest.mark.timeout(280)
@pytest.mark.parametrize(
    ("kind", "victim"),
    [
        pytest.param("mosquitto", "broker/mosquitto", marks=pytest.mark.mosquitto),
        ("embedded", "broker/embedded"),
        ("embedded", "run core"),
        pytest.param("mosquitto", "run core", marks=pytest.mark.mosquitto),
    ],
)
def test_kill_9_in_the_middle_of_a_replay(tmp_path: Path, recordings: Path, kind: str, victim: str) -> None:
    """What a broker held in memory is gone, what a core had not committed too; the senders have it and send it again."""
    (tmp_path / "vigil.toml").write_text(f'[broker]\nkind = "{kind}"\n')
    with Product.started(tmp_path, arguments=("--config", str(tmp_path / "vigil.toml"))) as product:
        assert product.running["broker_kind"] == kind
        command = ["replay", "bidmc", str(recordings / "bidmc"), "--speed", "40", "--data-dir", str(product.data_dir)]
        with product.background(*command) as replay:
            for _ in range(2):
                before = readings(product)
                eventually(lambda start=before: readings(product) > start + 5000, 60, "values arrive")  # type: ignore[misc]
                eventually(lambda: product.children(victim), 30, f"{victim} was started again")
                product.kill(victim)
            said, _ = replay.communicate(timeout=200)
        rows = dict(cells(line) for line in said.splitlines() if line.startswith("│"))
        assert rows["stored"] == rows["sent"] == str(51327 + 220), said
        assert rows["missing (sent - stored - refused)"] == "0"
        with product.client("nurse") as api:
            alerts = api.get("/api/v1/alerts", params={"state": "all", "limit": 500}).json()["items"]
        assert alerts
        # An episode that was told as past, because the newest values were normal, is told once more when they turn odd again.
        physiological = Counter(
            (a["patient_id"], a["rule"], a["onset_at"], a["retrospective"])
            for a in alerts
            if a["kind"] == "physiological"
        )
        assert max(physiological.values()) == 1, f"an alert came twice: {physiological}"


def cells(line: str) -> tuple[str, str]:
    first, second = line.strip("│ ").split("│")[:2]
    return first.strip(), second.strip()


def readings(product: Product) -> int:
    """How many values the core has stored; 0 while it does not answer."""
    try:
        text = httpx.get(f"{product.url}/metrics", timeout=5).text
    except httpx.HTTPError:
        return 0
    return sum(
        int(float(line.split()[1])) for line in text.splitlines() if line.startswith("ingest_values_stored_total ")
    )
