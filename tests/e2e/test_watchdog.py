"""The dead-man's switch with real processes: Vigil dies or hangs, and people hear of it by another way, in the stated time."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.product import Product, eventually

#: As short as a test needs; the defaults are 5, 60 and 60 s.
PULSE_S, EVERY_S, SILENCE_S = 0.5, 2, 4
#: What the machine may add: a reading's way, the second in which the watchdog looks, the post itself.
SLACK_S = 3.0


@dataclass
class Receiver:
    """An operator's webhook. Each notice with the monotonic time of its arrival."""

    notices: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        notices = self.notices

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                notices.append((time.monotonic(), json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def watchdogs(self) -> list[tuple[float, str]]:
        """Time and status of what the watchdog said; the core's own notices come by the same channel."""
        return [(at, said["status"]) for at, said in self.notices if said["alerts"][0]["labels"]["rule"] == "watchdog"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


@pytest.fixture
def silence_s() -> float:
    return SILENCE_S


@pytest.fixture
def product(tmp_path: Path, receiver: Receiver, silence_s: float) -> Iterator[Product]:
    secret = tmp_path / "secret"
    secret.write_text("a secret of the test")
    config = tmp_path / "vigil.toml"
    config.write_text(
        f"""
[watchdog]
pulse_s = {PULSE_S}
every_s = {EVERY_S}
silence_s = {silence_s}
repeat_s = 600

[[channel]]
name = "operators"
kind = "webhook"
url = "http://127.0.0.1:{receiver.server.server_port}/"
allow_http = true
allow_internal = true
secret_file = "{secret}"
"""
    )
    with Product.started(tmp_path, arguments=("--config", str(config))) as running:
        eventually(lambda: rounds(running) >= 1, 60, "the self-test's alert has come")
        yield running


def rounds(product: Product) -> int:
    with product.client() as api:
        items = api.get("/api/v1/patients/self-test.up/alerts?state=all").json().get("items", [])
    return sum(1 + item["recurrence"] for item in items)


def told(receiver: Receiver, number: int, what: str, timeout_s: float = 40) -> tuple[float, str]:
    eventually(lambda: len(receiver.watchdogs()) >= number, timeout_s, what)
    return receiver.watchdogs()[number - 1]


@pytest.mark.timeout(240)
def test_people_hear_of_a_killed_core_and_of_its_return(product: Product, receiver: Receiver) -> None:
    os.kill(product.process.pid, signal.SIGSTOP)  # or the supervisor would start it again before anybody need know
    try:
        killed = time.monotonic()
        product.kill("run core")
        at, status = told(receiver, 1, "the watchdog told of the trouble")
    finally:
        os.kill(product.process.pid, signal.SIGCONT)
    assert status == "firing"
    assert at - killed <= SILENCE_S + SLACK_S
    assert told(receiver, 2, "the watchdog told that it works again", 60)[1] == "resolved"
    body = receiver.notices[0][1]
    assert body["alerts"][0]["annotations"]["summary"] == "Vigil: the alarms may not work"


@pytest.mark.timeout(240)
def test_people_hear_of_a_hung_core(product: Product, receiver: Receiver) -> None:
    core = product.children("run core")[0]
    hung = time.monotonic()
    os.kill(core, signal.SIGSTOP)
    try:
        at, status = told(receiver, 1, "the watchdog told of the trouble")
    finally:
        os.kill(core, signal.SIGCONT)
    assert status == "firing"
    assert at - hung <= SILENCE_S + SLACK_S
    assert told(receiver, 2, "the watchdog told that it works again")[1] == "resolved"
    assert product.children("run core") == [core], "nobody started another one"


@pytest.mark.timeout(240)
def test_the_page_says_that_the_self_test_is_missing_until_it_has_come_again(product: Product) -> None:
    def platform() -> list[dict[str, Any]]:
        with product.client("nurse") as api:
            return [one for one in api.get("/api/v1/alerts").json()["items"] if one["rule"] == "self_test"]

    watchdog = product.children("run watchdog")[0]
    os.kill(watchdog, signal.SIGSTOP)
    try:
        eventually(lambda: platform() and platform()[0]["priority"] == "high", 30, "the alert is there, and high")
    finally:
        os.kill(watchdog, signal.SIGCONT)
    alert = platform()[0]
    assert (alert["kind"], alert["title"], alert["patient"]) == (
        "technical", "Self-test missing: alarms may not work", None,
    )  # fmt: skip
    eventually(lambda: platform()[0]["state"] == "cleared", 30, "it has ended, and waits to be seen")


# The default: to start a watchdog may take longer than what is short for a test, and then people are told, rightly.
@pytest.mark.timeout(240)
@pytest.mark.parametrize("silence_s", [60])
def test_a_killed_watchdog_comes_back_and_nurses_never_meet_its_patient(product: Product, receiver: Receiver) -> None:
    before = rounds(product)
    product.kill("run watchdog")
    eventually(lambda: rounds(product) >= before + 2, 60, "the alerts go on")
    with product.client("nurse") as api:
        assert api.get("/api/v1/patients").json()["total"] == 0
        assert [one["rule"] for one in api.get("/api/v1/alerts?state=all").json()["items"]] == []
        assert api.get("/api/v1/devices").json()["items"] == []
    assert receiver.notices == [], "nobody was called for it"
