"""The webhook against a real receiver: what each of its answers means, and what it never connects to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from analytics.notify import webhook
from analytics.notify.channel import Outcome
from analytics.notify.guard import look_up
from analytics.notify.webhook import Webhook
from tests.receiver import Answer, Receiver, Request
from tests.unit.analytics.notify.given import certificate, notice
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.runtime.channels import WebhookSettings
from vigil.runtime.clock import ManualClock

SECRET = "open sesame"
#: No name service is asked: this name is at the receiver's address.
LOCAL = "hook.vigil.example"


def settings(url: str, **change: Any) -> WebhookSettings:
    return WebhookSettings(
        name="hook",
        kind="webhook",
        url=url,
        secret_env="HOOK",
        **{"allow_http": True, "allow_internal": True, **change},
    )


def send(url: str, **change: Any) -> Outcome:
    return Webhook(settings(url, **change), SECRET, ManualClock()).send(notice())


def test_the_receiver_can_tell_who_sent_it_when_and_whether_it_is_a_repeat() -> None:
    with Receiver().listening() as receiver:
        channel = Webhook(settings(f"{receiver.url}?ward=north"), SECRET, ManualClock())
        assert channel.send(notice()) == Outcome(State.DELIVERED)
        assert channel.send(notice()) == Outcome(State.DELIVERED)
    first, second = receiver.got
    assert (first.path, first.headers["Host"]) == ("/hook?ward=north", f"127.0.0.1:{receiver.port}")
    assert first.key == first.headers["webhook-id"] == "d-0123456789abcdef01234567"
    assert first.headers["webhook-timestamp"] == "1767225600"
    signed = f"{first.key}.1767225600.".encode() + first.body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    assert first.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert (second.key, second.body) == (first.key, first.body)
    assert first.json["version"] == "4"


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        ((200, {}), State.DELIVERED, ""),
        ((202, {}), State.DELIVERED, ""),
        ((500, {}), State.QUEUED, "the receiver answered 500"),
        ((429, {}), State.QUEUED, "the receiver answered 429"),
        ((404, {}), State.QUEUED, "the receiver answered 404"),
        ((400, {}), State.FAILED, "the receiver refused the notice with 400"),
        (None, State.QUEUED, "127.0.0.1 broke off: RemoteProtocolError"),
    ],
)
def test_what_the_receiver_answers(answer: Answer, state: State, why: str) -> None:
    with Receiver(lambda _request: answer).listening() as receiver:
        assert send(receiver.url) == Outcome(state, why)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Receiver().listening() as inner:
        with Receiver(lambda _request: (status, {"Location": inner.url})).listening() as outer:
            outcome = send(outer.url)
        assert inner.got == []
    assert outcome.state is State.FAILED
    assert outcome.why == f"the receiver answered with a redirect ({status}), which is not followed"


def test_a_receiver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.2)
    done = threading.Event()

    def hang(_request: Request) -> Answer:
        done.wait(30)
        return None

    with Receiver(hang).listening() as receiver:
        outcome = send(receiver.url)
        done.set()
    assert outcome == Outcome(State.QUEUED, "127.0.0.1 did not answer within 0.2 s")


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_receiver_that_only_says_that_it_works_on_it_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encrypted: bool
) -> None:
    """Each interim answer ends the silence, so that no time-out ever comes."""
    monkeypatch.setattr(webhook, "LONGEST_S", 0.3)
    trusted, server_side = certificate(tmp_path, LOCAL)
    gone = threading.Event()

    def go_on(server: socket.socket) -> None:
        plain, _ = server.accept()
        with server_side.wrap_socket(plain, server_side=True) if encrypted else plain as connection, suppress(OSError):
            while not gone.wait(0.02):
                connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=go_on, args=(server,))
        thread.start()
        scheme = "https" if encrypted else "http"
        chosen = settings(f"{scheme}://{LOCAL}:{server.getsockname()[1]}/", ca_file=trusted)
        outcome = Webhook(chosen, SECRET, ManualClock(), lambda *_: ["127.0.0.1"]).send(notice())
        gone.set()
        thread.join()
    assert outcome == Outcome(State.QUEUED, f"{LOCAL} did not answer within 0.3 s")


def test_nobody_there() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        outcome = send(f"http://127.0.0.1:{closed.getsockname()[1]}/hook")
    assert (outcome.state, outcome.why) == (State.QUEUED, "no connection to 127.0.0.1: [Errno 111] Connection refused")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
def test_an_internal_address_is_not_connected_to(host: str) -> None:
    with Receiver().listening() as receiver:
        outcome = send(f"http://{host}:{receiver.port}/hook", allow_internal=False)
    assert outcome == Outcome(State.FAILED, f"{host} is at an internal address, which needs allow_internal = true")
    assert receiver.got == []


def test_a_name_is_looked_up_once_and_the_checked_address_is_used() -> None:
    """A second answer that points inside would go to the decoy."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with Receiver().listening() as receiver:
        url = f"http://{LOCAL}:{receiver.port}/hook"
        assert Webhook(settings(url), SECRET, ManualClock(), resolve).send(notice()).state is State.DELIVERED
    assert asked == [LOCAL]
    assert receiver.got[0].headers["Host"] == f"{LOCAL}:{receiver.port}"


def test_the_next_address_is_tried_when_nobody_is_at_the_first() -> None:
    with Receiver().listening() as receiver:
        url = f"http://{LOCAL}:{receiver.port}/hook"
        channel = Webhook(settings(url), SECRET, ManualClock(), lambda *_: ["127.0.0.9", "127.0.0.1"])
        assert channel.send(notice()).state is State.DELIVERED


def test_a_name_that_nobody_knows() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    channel = Webhook(settings(f"http://{LOCAL}/"), SECRET, ManualClock(), resolve)
    assert channel.send(notice()) == Outcome(State.QUEUED, f"{LOCAL} cannot be looked up: Name or service not known")


def test_the_certificate_must_be_that_of_the_name(tmp_path: Path) -> None:
    """Although an address is connected to, it is the name in the certificate that counts."""
    trusted, server = certificate(tmp_path, LOCAL)
    with Receiver().listening(server) as receiver:
        for name, state in ((LOCAL, State.DELIVERED), ("other.vigil.example", State.QUEUED)):
            chosen = settings(f"https://{name}:{receiver.port}/hook", ca_file=trusted)
            outcome = Webhook(chosen, SECRET, ManualClock(), lambda *_: look_up("127.0.0.1", 0)).send(notice())
            assert outcome.state is state, outcome
        assert "certificate" in outcome.why
        chosen = settings(f"https://{LOCAL}:{receiver.port}/hook")
        outcome = Webhook(chosen, SECRET, ManualClock(), lambda *_: ["127.0.0.1"]).send(notice())
        assert (outcome.state, "certificate" in outcome.why) == (State.QUEUED, True)
    assert len(receiver.got) == 1


def test_the_format_of_alertmanager_goes_to_its_own_path() -> None:
    with Receiver().listening() as receiver:
        chosen = settings(f"http://127.0.0.1:{receiver.port}/", format="alertmanager")
        assert Webhook(chosen, "", ManualClock()).send(notice()).state is State.DELIVERED
    (request,) = receiver.got
    assert (request.path, "webhook-signature" in request.headers) == ("/api/v2/alerts", False)
    assert request.json[0]["labels"]["alert"] == "a-1"


def test_an_authority_that_cannot_be_read_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for file in ("ca.pem", "missing.pem"):
        with pytest.raises(ConfigError, match="channel hook"):
            Webhook(settings("https://vigil.example/", ca_file=tmp_path / file), SECRET, ManualClock())


def test_no_reason_holds_the_path_or_the_secret() -> None:
    for answer in ((500, {}), (302, {"Location": "/token-in-path"}), None):
        with Receiver(lambda _request, given=answer: given).listening() as receiver:  # type: ignore[misc]
            outcome = send(f"{receiver.url}/token-in-path")
        assert "token" not in outcome.why
        assert SECRET not in outcome.why
