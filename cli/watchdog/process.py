"""The running watchdog: a synthetic device on MQTT, a listener on the event stream, and a judge that looks each second.

The three share nothing but the round trip, so that a part of Vigil that hangs holds up only the task that speaks with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import NoReturn

import numpy as np

from cli.client import Client, ServerEvent
from cli.watchdog.round_trip import RoundTrip
from cli.watchdog.ways import Teller
from simulators.packs import Pack, Record
from simulators.publish import DeviceAccess, Fleet
from vigil.domain.errors import ServerUnreachable
from vigil.domain.people import SELF_TEST_PREFIX
from vigil.domain.self_test import ALARM_RULE, WIRE
from vigil.runtime.clock import Clock
from vigil.runtime.config import WatchdogSettings
from vigil.runtime.link import ReconnectRule
from vigil.wire.resend import ResendRule

logger = logging.getLogger(__name__)

#: No new reading while so many wait for their acknowledgement: after an outage nobody needs the old ones.
MOST_WAITING = 3
#: Pause before the next try after Vigil did not answer.
AGAIN_S = 2.0
LOOK_S = 1.0
_RESEND = ResendRule(first_s=5.0, longest_s=15.0)
_RECONNECT = ReconnectRule(first_s=1.0, longest_s=5.0)

#: Steps by which the alert is there anew.
CAME = ("opened", "recurred")


class Watchdog:
    """``connect`` makes a client with a fresh token: one that lasts a shift must not end the watch."""

    def __init__(
        self,
        settings: WatchdogSettings,
        name: str,
        tenant: str,
        connect: Callable[[], Client],
        teller: Teller,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._name = name
        self._tenant = tenant
        self._connect = connect
        self._teller = teller
        self._clock = clock
        self._trip = RoundTrip(settings.every_s, settings.silence_s, clock.monotonic())

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for part in (self._judge(), self._speak(), self._listen()):
                group.create_task(part)

    async def _judge(self) -> NoReturn:
        while True:
            trouble = self._trip.look(self._clock.monotonic())
            await asyncio.to_thread(self._teller.take, trouble)
            await asyncio.sleep(LOOK_S)

    # --- the synthetic device -----------------------------------------------------------------------------------------

    async def _speak(self) -> NoReturn:
        access = await self._access()
        device_id = access.device_id
        rng = np.random.default_rng()
        async with Fleet(
            [access], self._tenant, self._clock, rng, rule=_RESEND, reconnect=_RECONNECT, outbox_packs=MOST_WAITING + 1
        ) as fleet:
            stored = 0
            while True:
                counts = fleet.counts[device_id]
                if counts.packs_acked > stored:
                    stored = counts.packs_acked
                    self._trip.acknowledged(self._clock.monotonic())
                if counts.packs_sent - counts.packs_acked < MOST_WAITING:
                    await fleet.send(self._reading(device_id))
                await asyncio.sleep(self._settings.pulse_s)

    def _reading(self, device_id: str) -> Pack:
        now = self._clock.now_us()
        value = self._trip.next_value(self._clock.monotonic())
        return Pack(device_id, (now,), (Record(WIRE, now, value),))

    async def _access(self) -> DeviceAccess:
        """From the core, as soon as there is one."""
        body = {"name": self._name, "interval_s": self._settings.pulse_s}
        while True:
            client = self._connect()
            try:
                answer = await client.call("POST", "/api/v1/self-tests", body)
            except ServerUnreachable as error:
                logger.warning("no self-test yet: %s", error)
                await asyncio.sleep(AGAIN_S)
                continue
            finally:
                await client.close()
            mqtt = answer["mqtt"]
            logger.info("self-test %s is set up", self._name)
            return DeviceAccess(answer["id"], mqtt["host"], mqtt["port"], mqtt["username"], mqtt["password"])

    # --- what comes back ----------------------------------------------------------------------------------------------

    async def _listen(self) -> NoReturn:
        last: int | None = None
        while True:
            client = self._connect()
            try:
                async with aclosing(client.events("/api/v1/stream?test=true", last)) as events:
                    async for event in events:
                        last = event.seq if event.seq is not None else last
                        await self._hear(client, event)
            except ServerUnreachable as error:
                logger.info("nothing heard: %s", error)
            finally:
                await client.close()
            await asyncio.sleep(AGAIN_S)

    async def _hear(self, client: Client, event: ServerEvent) -> None:
        """Whatever alert its patient has is acknowledged, but only the one that was called for proves anything."""
        alert = event.data.get("alert")
        if alert is None or alert["patient_id"] != SELF_TEST_PREFIX + self._name:
            return
        if alert["rule"] == ALARM_RULE:
            self._prove(event.data["step"], alert["state"])
        if alert["state"] != "resolved" and alert["handling"] == "unacknowledged":
            await client.call("POST", f"/api/v1/alerts/{alert['id']}/acknowledge", {"version": alert["version"]})

    def _prove(self, step: str, state: str) -> None:
        now = self._clock.monotonic()
        if step in CAME:
            self._trip.alerted(now)
        if state == "resolved":
            self._trip.resolved(now)
