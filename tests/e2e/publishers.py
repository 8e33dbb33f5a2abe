"""Devices of the e2e tests: enrolment through the API, publishing with paho or mosquitto_pub."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.conftest import find


@dataclass(frozen=True)
class Device:
    device_id: str
    patient_id: str
    host: str
    port: int
    password: str

    @property
    def topic(self) -> str:
        return f"rpm/v1/home/d/{self.device_id}/tel/vitals"

    def pack(self, seq: int, *values: dict[str, Any], epoch: int = 1, at: float | None = None) -> bytes:
        head = {"bn": f"urn:dev:{self.device_id}:", "bt": round(time.time() if at is None else at, 3)}
        return json.dumps([{**head, "n": "epoch", "v": epoch}, {"n": "seq", "v": seq}, *values]).encode()


def enrol(api: httpx.Client, number: int, *, since: str = "2020-01-01T00:00:00Z", family: str = "Test") -> Device:
    patient, device = f"p-e2e-{number}", f"w-e2e-{number}"
    body = {
        "id": patient,
        "family": family,
        "given": f"Number {number}",
        "born": "1950-01-01",
        "sex": "female",
        "ward": "Test",
    }
    api.post("/api/v1/patients", json=body).raise_for_status()
    answer = api.post("/api/v1/devices", json={"id": device, "model": "test"})
    answer.raise_for_status()
    access = answer.json()["mqtt"]
    api.post(f"/api/v1/devices/{device}/binding", json={"patient_id": patient, "start_at": since}).raise_for_status()
    return Device(device, patient, access["host"], access["port"], access["password"])


class Publisher:
    """A paho client that waits for its PUBACKs and collects ``cmd/ack``."""

    def __init__(self, device: Device, version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5) -> None:
        self.device = device
        self.acks: list[dict[str, int]] = []
        self._connected = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=device.device_id, protocol=version)
        self._client.username_pw_set(device.device_id, device.password)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            client.subscribe(f"rpm/v1/home/d/{self.device.device_id}/cmd/#", 1)
            self._connected.set()

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/cmd/ack"):
            self.acks.append(json.loads(message.payload))

    def __enter__(self) -> Publisher:
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async(self.device.host, self.device.port)
        self._client.loop_start()
        assert self._connected.wait(15), "no connection to the broker"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, payload: bytes, *, wait: bool = True, topic: str = "") -> None:
        info = self._client.publish(topic or self.device.topic, payload, qos=1)
        if wait:
            info.wait_for_publish(10)


def mosquitto_pub(device: Device, payload: bytes, version: str) -> None:
    program = find("mosquitto_pub")
    assert program is not None
    command = [program, "-V", version, "-q", "1", "-h", device.host, "-p", str(device.port), "-i", device.device_id]
    command += ["-u", device.device_id, "-P", device.password, "-t", device.topic, "-s"]
    subprocess.run(command, input=payload, check=True, timeout=20)
