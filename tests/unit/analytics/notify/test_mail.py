"""Mail against a small real relay."""

from __future__ import annotations

import base64
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from analytics.notify.channel import Outcome
from analytics.notify.mail import Mail
from tests.conformance.stores.given import alert, opened
from tests.unit.analytics.notify.given import DETAILS, Relay, certificate, notice
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.runtime.channels import EmailSettings
from vigil.runtime.clock import ManualClock


def settings(relay: Relay, **change: Any) -> EmailSettings:
    given = {
        "name": "mail",
        "kind": "email",
        "host": "127.0.0.1",
        "port": relay.port,
        "security": "none",
        "sender": "vigil@hospital.example",
        "recipients": {"Li Na": "li.na@hospital.example", "*": "ward@hospital.example"},
    }
    return EmailSettings(**{**given, **change})


def send(relay: Relay, person: str = "Li Na", password: str = "", **change: Any) -> Outcome:
    return Mail(settings(relay, **change), password, ManualClock()).send(notice(person=person))


def taken(relay: Relay) -> EmailMessage:
    (mail,) = relay.mails
    return message_from_bytes(mail, policy=policy.default)


def test_a_mail_that_the_relay_took_is_sent_not_delivered() -> None:
    with Relay().listening() as relay:
        assert send(relay) == Outcome(State.SENT)
    mail = taken(relay)
    assert (mail["From"], mail["To"]) == ("vigil@hospital.example", "li.na@hospital.example")
    assert mail["Message-ID"] == "<d-0123456789abcdef01234567@vigil.invalid>"
    assert mail["Date"] == "Thu, 01 Jan 2026 00:00:00 -0000"
    assert mail["Subject"] == "Open Vigil"
    text = mail.get_content()
    assert "https://vigil.example" in text
    assert [detail for detail in DETAILS if detail in text] == []


def test_a_secure_channel_says_what_it_is_about() -> None:
    with Relay().listening() as relay:
        channel = Mail(settings(relay, insecure=False), "", ManualClock())
        channel.send(notice(opened(alert(title="SpO₂ low\r\nBcc: mallory@vigil.example"))))
    mail = taken(relay)
    assert mail["Subject"] == "medium: SpO₂ low Bcc: mallory@vigil.example"
    assert mail["Bcc"] is None
    assert "87 % for 15 s" in mail.get_content()


def test_everybody_else_has_an_address_or_the_notice_fails() -> None:
    with Relay().listening() as relay:
        assert send(relay, "Wang").state is State.SENT
        assert taken(relay)["To"] == "ward@hospital.example"
        outcome = send(relay, "Wang", recipients={"Li Na": "li.na@hospital.example"})
    assert outcome == Outcome(State.FAILED, "this channel has no address for this person")


@pytest.mark.parametrize(
    ("codes", "state", "why"),
    [
        ({"RCPT": "550 no such box li.na"}, State.FAILED, "the relay refused the recipient with 550"),
        ({"RCPT": "450 busy"}, State.QUEUED, "the relay refused the recipient with 450"),
        ({"MAIL": "451 later"}, State.QUEUED, "the relay refused the mail with 451"),
        ({".": "554 looks like spam"}, State.FAILED, "the relay refused the mail with 554"),
    ],
)
def test_what_the_relay_answers(codes: dict[str, str], state: State, why: str) -> None:
    with Relay(codes).listening() as relay:
        assert send(relay) == Outcome(state, why)
    assert relay.mails == []


def test_nobody_there() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        outcome = send(Relay(port=closed.getsockname()[1]))
    assert outcome == Outcome(State.QUEUED, "the relay 127.0.0.1 failed: Connection refused")


def test_a_relay_that_speaks_no_tls_gets_neither_mail_nor_password(tmp_path: Path) -> None:
    with Relay({"STARTTLS": "502 no"}).listening() as relay:
        outcome = send(relay, password="hunter2", security="starttls", user="vigil", secret_env="MAIL")
    assert outcome.state is State.FAILED
    assert not any(command.startswith("AUTH") for command in relay.commands)
    assert relay.mails == []


def test_log_in_after_starttls(tmp_path: Path) -> None:
    trusted, server = certificate(tmp_path, "127.0.0.1")
    login: dict[str, Any] = {"security": "starttls", "user": "vigil", "secret_env": "MAIL", "ca_file": trusted}
    with Relay(tls=server).listening() as relay:
        assert send(relay, password="hunter2", **login).state is State.SENT
    credentials = base64.b64encode(b"\0vigil\0hunter2").decode()
    assert f"AUTH PLAIN {credentials}" in relay.commands
    assert relay.commands.index("STARTTLS") < relay.commands.index(f"AUTH PLAIN {credentials}")
    with Relay({"AUTH": "535 no"}, tls=server).listening() as relay:
        assert send(relay, password="hunter2", **login) == Outcome(State.QUEUED, "the relay refused the login with 535")
    with Relay(tls=server).listening() as relay:
        outcome = send(relay, password="hunter2", **{**login, "ca_file": None})
    assert (outcome.state, relay.mails) == (State.QUEUED, [])


def test_an_authority_that_cannot_be_read_is_a_setting_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="channel mail"):
        Mail(settings(Relay(port=25), ca_file=tmp_path / "missing.pem"), "", ManualClock())
