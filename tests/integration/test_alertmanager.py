"""Debian's Alertmanager: it takes our alerts, ``amtool`` lists them, and our webhook's body is what its receivers expect."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from analytics.notify.body import webhook_body
from analytics.notify.webhook import Webhook
from tests.conformance.stores.given import alert, follows, opened
from tests.conftest import find
from tests.product import eventually
from tests.receiver import Receiver
from tests.unit.analytics.notify.given import notice
from vigil.domain.alerts import Alert, Priority, Step
from vigil.domain.deliveries import State
from vigil.domain.times import MINUTE, to_iso
from vigil.runtime.channels import WebhookSettings
from vigil.runtime.clock import SystemClock

pytestmark = pytest.mark.skipif(
    not (find("prometheus-alertmanager") and find("amtool")), reason="needs prometheus-alertmanager"
)


class Alertmanager:
    """A running one that passes everything on to ``receiver`` at once."""

    def __init__(self, folder: Path, receiver: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        config = folder / "alertmanager.yml"
        config.write_text(
            "route: {receiver: hook, group_by: [alertname, alert], group_wait: 0s, group_interval: 1s}\n"
            f"receivers: [{{name: hook, webhook_configs: [{{url: '{receiver}'}}]}}]\n"
        )
        command = [str(find("prometheus-alertmanager")), f"--config.file={config}", f"--storage.path={folder / 'am'}"]
        command += [f"--web.listen-address={self.url.removeprefix('http://')}", "--cluster.listen-address="]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def listed(self) -> list[dict[str, Any]]:
        """What ``amtool alert query`` shows: the alerts that fire now."""
        command = [str(find("amtool")), "--alertmanager.url", self.url, "-o", "json", "alert", "query"]
        found = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=20).stdout)
        return list(found)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(lambda _request: (200, {})).listening() as listening:
        yield listening


@pytest.fixture
def alertmanager(tmp_path: Path, receiver: Receiver) -> Iterator[Alertmanager]:
    server = Alertmanager(tmp_path, receiver.url)
    try:
        eventually(server.ready, 30, "Alertmanager is ready")
        yield server
    finally:
        server.stop()


def raised() -> Alert:
    """Opened now: Alertmanager has its own clock."""
    now = SystemClock().now_us()
    return alert(onset_at=now - MINUTE, opened_at=now, updated_at=now, priority=Priority.MEDIUM)


def send(server: Alertmanager, *lines: Any) -> None:
    settings = WebhookSettings(
        name="am", kind="webhook", url=server.url, format="alertmanager", allow_internal=True, allow_http=True
    )
    channel = Webhook(settings, "", SystemClock())
    for number, line in enumerate(lines):
        earlier = tuple(one.after for one in lines[:number])
        outcome = channel.send(replace(notice(line), earlier=earlier))
        assert outcome.state is State.DELIVERED, outcome.why


def test_amtool_lists_what_we_sent_until_it_is_resolved(alertmanager: Alertmanager) -> None:
    first = opened(raised())
    send(alertmanager, first)
    (listed,) = alertmanager.listed()
    assert listed["labels"] == {
        "alertname": "limit.spo2.low",
        "alert": "a-1",
        "patient": "p-1",
        "rule": "limit.spo2.low",
        "kind": "physiological",
        "priority": "medium",
    }
    assert listed["annotations"]["description"] == "87 % for 15 s, limit 90 %"
    assert listed["startsAt"] == to_iso(first.after.opened_at)
    worse = follows(first.after, Step.WORSENED, "ordinal:30", priority=Priority.HIGH)
    send(alertmanager, first, worse)
    eventually(lambda: [one["labels"]["priority"] for one in alertmanager.listed()] == ["high"], 10, "one alert, high")
    now = SystemClock().now_us()
    resolved = follows(
        worse.after, Step.RESOLVED, "command:1", resolved_at=now, resolved_reason="ended", updated_at=now
    )
    send(alertmanager, first, worse, resolved)
    eventually(lambda: alertmanager.listed() == [], 10, "nothing fires")


def test_our_webhook_body_is_built_like_that_of_alertmanager(alertmanager: Alertmanager, receiver: Receiver) -> None:
    """Its own body for our alert is the pattern: the same keys with the same kinds of value, and the same words."""
    line = opened(raised())
    send(alertmanager, line)
    eventually(lambda: receiver.got, 20, "Alertmanager passes it on")
    theirs, ours = receiver.got[0].json, json.loads(webhook_body(notice(line), "hook", insecure=False))
    assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in theirs.items()}
    (their_alert,), (our_alert,) = theirs["alerts"], ours["alerts"]
    assert {key: type(value) for key, value in our_alert.items()} == {
        key: type(value) for key, value in their_alert.items()
    }
    for key in ("status", "labels", "annotations"):
        assert our_alert[key] == their_alert[key]
    for key in ("version", "status", "receiver", "truncatedAlerts", "commonLabels", "commonAnnotations"):
        assert ours[key] == theirs[key]
