"""apprise as it is installed, against a local service of its JSON kind."""

from __future__ import annotations

import sys

import pytest

from analytics.notify.channel import Outcome
from analytics.notify.others import Others
from tests.receiver import Receiver
from tests.unit.analytics.notify.given import DETAILS, notice
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.runtime.channels import AppriseSettings

#: apprise loads all its services at the first use, and one of them asks the standard library for a module that goes away.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
CHAT = AppriseSettings(name="chat", kind="apprise", secret_env="CHAT")


def test_what_apprise_took_is_sent() -> None:
    with Receiver(lambda _request: (200, {})).listening() as receiver:
        outcome = Others(CHAT, f"json://127.0.0.1:{receiver.port}/hook").send(notice())
    assert outcome == Outcome(State.SENT)
    (request,) = receiver.got
    assert request.json["title"] == "Open Vigil"
    assert "https://vigil.example" in request.json["message"]
    assert [detail for detail in DETAILS if detail in request.body.decode()] == []


def test_what_apprise_could_not_hand_over_is_tried_again() -> None:
    with Receiver(lambda _request: (500, {})).listening() as receiver:
        outcome = Others(CHAT, f"json://127.0.0.1:{receiver.port}/hook").send(notice())
    assert (outcome.state, len(receiver.got)) == (State.QUEUED, 1)


def test_an_address_that_apprise_does_not_know_is_a_setting_that_is_wrong() -> None:
    with pytest.raises(ConfigError, match=r"^channel chat: apprise does not know this kind of address$"):
        Others(CHAT, "nonsense://token")


def test_without_the_extra_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match="extra notify"):
        Others(CHAT, "json://host/")
