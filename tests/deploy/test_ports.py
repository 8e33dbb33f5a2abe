"""What listens when ``vigil up`` runs, and what each port takes from somebody without credentials: nothing."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.deploy.local import children
from tests.integration.mqtt_probe import Probe
from tests.product import Product

LISTENING = "0A"
#: Open without a token on purpose: that it lives, what it speaks, and the page with its log-in. No patient is in any of them.
OPEN = {"/", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/asyncapi.yaml", "/fhir/R4/metadata"}


def family(pid: int) -> list[int]:
    return [pid, *(each for child in children(pid) for each in family(child))]


def listeners(pids: list[int]) -> set[tuple[str, int]]:
    """(address in the kernel's form, port) of every TCP socket on which one of these processes listens."""
    sockets = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(str(entry.readlink()))
            except OSError:
                continue  # closed meanwhile
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in sockets:
                address, _, port = fields[1].partition(":")
                found.add((address, int(port, 16)))
    return found


def test_two_ports_on_the_loopback_and_no_others(product: Product) -> None:
    loopback = "0100007F"
    http = int(product.url.rpartition(":")[2])
    assert listeners(family(product.process.pid)) == {(loopback, http), (loopback, product.broker_port)}


@pytest.mark.parametrize("user", ["", "ingest", "broker-log", "w-1"])
@pytest.mark.parametrize("password", [None, "", "guess"])
def test_the_broker_lets_nobody_in(product: Product, user: str, password: str | None) -> None:
    probe = Probe(
        product.broker_port, user, password, client_id=user or "somebody", protocol=MQTTProtocolVersion.MQTTv5
    )
    said = probe.connect()
    probe.close()
    assert said in ("Not authorized", "Bad user name or password")


def test_http_tells_a_stranger_nothing(product: Product) -> None:
    """Every path of the product's own list that needs nothing filled in; ``tests/unit/api`` walks all of them, and the others."""
    with httpx.Client(base_url=product.url, timeout=20, trust_env=False) as stranger:
        paths = [
            path
            for path, verbs in stranger.get("/openapi.json").json()["paths"].items()
            if "get" in verbs and "{" not in path
        ]
        answers = {path: stranger.get(path).status_code for path in paths}
    assert len(answers) > 20
    told = {path for path, code in answers.items() if code not in (401, 403)}
    assert told <= OPEN | {"/api/v1/auth"}, told
