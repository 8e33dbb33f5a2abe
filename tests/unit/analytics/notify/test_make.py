"""Every kind of channel that the settings know can be built, and says in words when nobody is at the other end."""

from __future__ import annotations

import socket
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from analytics.notify.make import channel_of
from tests.unit.analytics.notify.given import notice
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.runtime.channels import ChannelSettings
from vigil.runtime.clock import ManualClock

KINDS: tuple[type[BaseModel], ...] = get_args(get_args(ChannelSettings)[0])
SECRET = "token-7f3a"
#: What each kind must be given beside a name and a secret, for a receiver that nobody runs.
GIVEN: dict[str, dict[str, Any]] = {
    "webhook": {"url": "http://127.0.0.1:{port}/", "allow_http": True, "allow_internal": True},
    "email": {
        "host": "127.0.0.1",
        "port": "{port}",
        "sender": "v@h.example",
        "user": "vigil",
        "recipients": {"*": "w@h.example"},
    },
    "apprise": {},
}


def settings(kind: type[BaseModel], port: int) -> ChannelSettings:
    (name,) = get_args(kind.model_fields["kind"].annotation)
    given = {key: value.format(port=port) if isinstance(value, str) else value for key, value in GIVEN[name].items()}
    made: ChannelSettings = TypeAdapter(ChannelSettings).validate_python(
        {"name": "one", "kind": name, "secret_env": "ONE", **given}
    )
    return made


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_at_the_other_end(kind: type[BaseModel]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        secret = f"json://{SECRET}@127.0.0.1:{port}/" if kind.__name__ == "AppriseSettings" else SECRET
        channel = channel_of(settings(kind, port), ManualClock(), {"ONE": secret})
        assert channel.name == "one"
        message = notice()
        outcome = channel.send(message)
    assert outcome.state is State.QUEUED
    assert outcome.why
    assert SECRET not in outcome.why
    assert message == notice(), "the notice is left as it was"


@pytest.mark.parametrize("kind", KINDS)
def test_no_channel_without_its_secret(kind: type[BaseModel]) -> None:
    with pytest.raises(ConfigError, match="the secret in ONE is empty"):
        channel_of(settings(kind, 9), ManualClock(), {})
