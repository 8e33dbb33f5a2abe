"""Wiring of ``vigil run watchdog``: from the settings to a running watchdog with its own ways to people."""

from __future__ import annotations

import asyncio
import logging

from analytics.notify.make import channel_of
from api.auth import Role
from cli.client import Client
from cli.demo_token import token
from cli.fleet import until_stopped
from cli.installation import Running
from cli.watchdog.process import Watchdog
from cli.watchdog.ways import ByChannel, ByCommand, Teller, Way
from vigil.domain.errors import ConfigError
from vigil.domain.self_test import ACTOR
from vigil.runtime.clock import Clock, SystemClock
from vigil.runtime.config import Settings
from vigil.runtime.keys import load_keys

logger = logging.getLogger(__name__)


def run_watchdog(chosen: Settings, name: str) -> None:
    """Until a signal. Raises ``ConfigError`` for a way that cannot be used: a watchdog that could tell nobody must not seem to
    watch."""
    clock = SystemClock()
    keys = load_keys(chosen.data_dir)
    url = chosen.watchdog.url or _of_installation(chosen)
    ways = ways_of(chosen, url, clock)
    if not ways:
        logger.warning("only this log will say when the alarms fail: set a [[channel]], or command under [watchdog]")
    watchdog = Watchdog(
        chosen.watchdog,
        name,
        chosen.tenant,
        lambda: Client(url, token(keys, Role.ADMIN, ACTOR)),
        Teller(ways, chosen.watchdog.repeat_s, clock),
        clock,
    )
    asyncio.run(until_stopped(watchdog.run()))


def _of_installation(chosen: Settings) -> str:
    running = Running.find(chosen.data_dir)
    return f"http://{chosen.host}:{chosen.port}" if running is None else running.http_url


def ways_of(chosen: Settings, page: str, clock: Clock) -> list[Way]:
    """What the watchdog says is about Vigil and nobody's health, so that an insecure channel may carry all of it."""
    known = {each.name: each for each in chosen.channel}
    names = list(known) if chosen.watchdog.channels is None else chosen.watchdog.channels
    missing = sorted(set(names) - known.keys())
    if missing:
        raise ConfigError(f"setting watchdog.channels: there is no [[channel]] named {', '.join(missing)}")
    told = [known[name].model_copy(update={"insecure": False}) for name in names]
    ways: list[Way] = [ByChannel(channel_of(each, clock), chosen.public_url or page) for each in told]
    return [*ways, ByCommand(chosen.watchdog.command)] if chosen.watchdog.command else ways
