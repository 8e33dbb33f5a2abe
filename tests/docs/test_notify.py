"""The page about channels: its settings load, its signature check agrees with what is sent, its numbers are the code's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics.notify.backoff import JITTER, PLANS
from analytics.notify.channel import TIMEOUT_S
from analytics.notify.webhook import LONGEST_S, Webhook
from tests.receiver import Receiver
from tests.unit.analytics.notify.given import notice
from vigil.domain.alerts import Priority
from vigil.domain.deliveries import State
from vigil.runtime.channels import WebhookSettings
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "notify.md").read_text("utf-8")
SECRET = "open sesame"


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)
    return str(found)


@pytest.fixture
def check() -> Callable[[str, dict[str, str], bytes, float], bool]:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    return names["is_from_vigil"]  # type: ignore[no-any-return]


def test_the_settings_are_good() -> None:
    settings = Settings.model_validate(tomllib.loads(block("toml")))
    assert [(one.name, one.kind, one.insecure) for one in settings.channel] == [
        ("pager", "webhook", False),
        ("alertmanager", "webhook", False),
        ("mail", "email", True),
        ("chat", "apprise", True),
    ]


def test_the_signature_check(check: Callable[[str, dict[str, str], bytes, float], bool]) -> None:
    clock = ManualClock()
    settings = WebhookSettings(
        name="hook", kind="webhook", url="http://127.0.0.1/", secret_env="HOOK", allow_internal=True, allow_http=True
    )
    with Receiver().listening() as receiver:
        chosen = settings.model_copy(update={"url": receiver.url})
        assert Webhook(chosen, SECRET, clock).send(notice()).state is State.DELIVERED
    (request,) = receiver.got
    headers, now = dict(request.headers.items()), clock.now_us() / 1e6
    assert check(SECRET, headers, request.body, now)
    assert check(SECRET, headers, request.body, now + 299)
    assert not check(SECRET, headers, request.body, now + 301)
    assert not check("another", headers, request.body, now)
    assert not check(SECRET, headers, request.body.replace(b"firing", b"forged"), now)
    assert not check(SECRET, {**headers, "webhook-id": "d-9"}, request.body, now)
    assert not check(SECRET, {**headers, "webhook-timestamp": str(round(now) - 1)}, request.body, now)


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"silent for {TIMEOUT_S:g} s, or has not\nanswered within {LONGEST_S:g} s, is given up" in PAGE
    assert JITTER == 0.25
    for priority, least in ((Priority.HIGH, "10 minutes"), (Priority.MEDIUM, "10 minutes"), (Priority.LOW, "an hour")):
        plan = PLANS[priority]
        first = ", ".join(f"{plan.wait_s(number):g}" for number in (1, 2, 3))
        assert re.search(rf"{first} … {plan.longest_s:g} s\s+for {least} \({priority.value}\)", PAGE), priority


def test_every_state_is_explained() -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE) == [state.value for state in State]
