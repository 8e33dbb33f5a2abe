"""A reading published by any MQTT client is soon in the answer of the API; how soon is shown by ``vigil bench``."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.e2e.publishers import Device, Publisher, enrol, mosquitto_pub
from tests.product import Product, eventually

numbers = itertools.count(1)


def heart_rates(product: Product, device: Device) -> list[float]:
    with product.client("nurse") as api:
        answer = api.get(f"/api/v1/patients/{device.patient_id}/vitals", params={"vital": "heart_rate", "raw": True})
        answer.raise_for_status()
        return [point["value"] for stream in answer.json()["streams"] for point in stream["raw"] or []]


@pytest.fixture
def device(product: Product) -> Device:
    with product.client() as api:
        return enrol(api, next(numbers))


@pytest.mark.parametrize("version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])
def test_paho(product: Product, device: Device, version: MQTTProtocolVersion) -> None:
    with Publisher(device, version) as publisher:
        publisher.publish(device.pack(0, {"n": "hr", "v": 71}))
        assert eventually(lambda: heart_rates(product, device), 5) == [71]
        assert eventually(lambda: publisher.acks, 5, "cmd/ack") == [{"epoch": 1, "seq": 0}]


@pytest.mark.mosquitto
@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquitto_pub(product: Product, device: Device, version: str) -> None:
    mosquitto_pub(device, device.pack(0, {"n": "hr", "v": 72}), version)
    assert eventually(lambda: heart_rates(product, device), 5) == [72]


BAD: list[tuple[str, Any]] = [
    ("malformed", b"[not json"),
    ("unknown_name", {"n": "pulse", "v": 1}),
    ("unit_mismatch", {"n": "hr", "u": "Hz", "v": 1}),
    ("out_of_range", {"n": "hr", "v": 999}),
]


def test_bad_input_is_kept_counted_and_stops_nothing(product: Product, device: Device) -> None:
    with Publisher(device) as publisher, product.client() as api:
        for seq, (_, bad) in enumerate(BAD):
            publisher.publish(bad if isinstance(bad, bytes) else device.pack(seq + 10, bad))
        publisher.publish(device.pack(0, {"n": "hr", "v": 70}))
        assert eventually(lambda: heart_rates(product, device), 5) == [70]
        letters = api.get("/api/v1/deadletters", params={"device": device.device_id}).json()["items"]
        assert [letter["reason"] for letter in reversed(letters)] == [reason for reason, _ in BAD]
        assert all(letter["payload_base64"] and letter["reason_text"] for letter in letters)
        metrics = api.get("/metrics").text
        assert all(f'reason="{reason}"' in metrics for reason, _ in BAD)
        assert device.patient_id not in metrics


def test_a_device_cannot_speak_for_another_one(product: Product, device: Device) -> None:
    with product.client() as api:
        other = enrol(api, next(numbers))
    with Publisher(device) as publisher:
        publisher.publish(other.pack(0, {"n": "hr", "v": 30}), topic=other.topic)
        publisher.publish(device.pack(0, {"n": "hr", "v": 70}))
        assert eventually(lambda: heart_rates(product, device), 5) == [70]
    assert heart_rates(product, other) == []


def test_a_low_saturation_becomes_one_alert_that_a_nurse_acknowledges(product: Product, device: Device) -> None:
    now = time.time()
    with Publisher(device) as publisher, product.client("nurse") as api:
        for seq in range(25):
            publisher.publish(device.pack(seq, {"n": "spo2", "v": 76}, at=now - 25 + seq), wait=False)

        def alerts() -> list[dict[str, Any]]:
            found = api.get(f"/api/v1/patients/{device.patient_id}/alerts", params={"state": "open"}).json()["items"]
            return [alert for alert in found if alert["rule"] == "limit.spo2.low"]

        (alert,) = eventually(alerts, 10, "an alert")
        assert (alert["priority"], alert["state"], alert["handling"]) == ("high", "active", "unacknowledged")
        assert "76" in alert["text"]
        path = f"/api/v1/alerts/{alert['id']}/acknowledge"
        first = api.post(path, json={"version": alert["version"], "command_id": "tap-1"})
        again = api.post(path, json={"version": alert["version"], "command_id": "tap-1"})
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json()["handling"] == "acknowledged"
        assert again.json()["version"] == first.json()["version"]
        stale = api.post(
            f"/api/v1/alerts/{alert['id']}/return", json={"version": alert["version"], "command_id": "tap-2"}
        )
        assert stale.status_code == 409
        assert stale.json()["alert"]["handling"] == "acknowledged"
