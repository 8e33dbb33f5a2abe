"""The channels of an installation as ``vigil doctor`` shows and tries them."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from analytics.notify.channel import Message
from analytics.notify.make import channel_of
from vigil.domain.alerts import Alert, Condition, Evidence, Handling, Kind, Priority, Step, Transition
from vigil.domain.deliveries import Delivery, State, Target, delivery_id
from vigil.domain.errors import ConfigError
from vigil.runtime.channels import AppriseSettings, ChannelSettings, WebhookSettings
from vigil.runtime.clock import Clock
from vigil.runtime.config import Settings

#: No person has this name: a mail channel uses its address for everybody else, or the first that it has.
TESTER = "vigil doctor"


def listed(settings: Settings, clock: Clock) -> Iterator[tuple[str, bool, str]]:
    """Name, whether it can be used, and how; nothing is sent."""
    for chosen in settings.channel:
        try:
            channel_of(chosen, clock)
        except ConfigError as error:
            yield chosen.name, False, str(error)
        else:
            yield chosen.name, True, f"{_where(chosen)}, {'only “open Vigil”' if chosen.insecure else 'with details'}"


def try_channel(settings: Settings, name: str, clock: Clock) -> bool:
    """Sends a test notice and prints what came of it. Raises ``ConfigError`` for a channel that is not there."""
    chosen = next((one for one in settings.channel if one.name == name), None)
    if chosen is None:
        known = ", ".join(one.name for one in settings.channel) or "none"
        raise ConfigError(f"there is no channel {name}; the settings have: {known}")
    outcome = channel_of(chosen, clock).send(trial(chosen, clock.now_us(), settings.public_url))
    good = outcome.state in (State.SENT, State.DELIVERED)
    typer.echo(f"{name}: {outcome.state.value if good else 'not sent'}{f': {outcome.why}' if outcome.why else ''}")
    return good


def trial(chosen: ChannelSettings, now: int, page: str) -> Message:
    """A notice of an alert that is none: technical, low, of nobody, over already."""
    alert = Alert(
        alert_id=f"a-test-{now}",
        patient_id="",
        rule="test",
        kind=Kind.TECHNICAL,
        priority=Priority.LOW,
        peak_priority=Priority.LOW,
        condition=Condition.FALSE,
        handling=Handling.ACKNOWLEDGED,
        title="Test of this channel",
        cause=f"command:test:{now}",
        onset_at=now,
        opened_at=now,
        updated_at=now,
        evidence=Evidence("This is a test of the channel. Nobody needs you."),
        resolved_at=now,
        resolved_reason="test",
    )
    line = Transition(Step.RESOLVED, alert.cause, now, TESTER, alert)
    person = next(iter(chosen.recipients)) if chosen.kind == "email" and "*" not in chosen.recipients else TESTER
    key = delivery_id(alert.alert_id, 0, now, Target(chosen.name, person))
    return Message(
        Delivery(key, 0, alert.alert_id, chosen.name, person, State.QUEUED, 0, now, "", now), line, page=page
    )


def _where(chosen: ChannelSettings) -> str:
    """Without the path of an address, which may hold a token."""
    if isinstance(chosen, WebhookSettings):
        scheme, _, rest = chosen.url.partition("://")
        return f"{chosen.format} at {scheme}://{rest.partition('/')[0]}"
    if isinstance(chosen, AppriseSettings):
        return "apprise"
    return f"mail through {chosen.host}:{chosen.port} ({chosen.security})"
