"""The Bluetooth side of a home hub: it listens for its peripherals and keeps a session with each that it hears.

One coroutine alone uses the adapter to listen and to connect, because many adapters cannot do both at once; connected sessions
run side by side. A peripheral that is silent, broken or gone costs nobody but itself, and nothing here ends the gateway.
A cuff or a scale is heard only for seconds after somebody used it, so the hub listens whenever one of them is not connected.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from gateway.ble.config import BluetoothSettings, Peripheral
from gateway.ble.count import BluetoothCounts
from gateway.ble.deliver import Delivery
from gateway.ble.packs import FrameReader
from gateway.ble.radio import Connected, Found, Radio
from gateway.ble.session import Session
from vigil.domain.errors import BluetoothError, PairingLost
from vigil.runtime.clock import Clock
from vigil.runtime.link import ReconnectRule

logger = logging.getLogger(__name__)

#: Ours: a cuff stays awake for half a minute or so after a measurement, so no wait may be longer.
RECONNECT = ReconnectRule(first_s=1.0, longest_s=30.0)
#: Seconds after which listening starts anew (ours): an adapter that was reset stops listening and does not say so.
_LISTEN_S = 60.0


@dataclass(slots=True)
class _Peer:
    """``failures`` in a row; not before ``due_s`` (monotonic) is it connected again; ``complaint``: what was said last."""

    peripheral: Peripheral
    reader: FrameReader
    failures: int = 0
    due_s: float = 0.0
    busy: bool = False
    complaint: str = ""


class Hub:
    def __init__(
        self,
        settings: BluetoothSettings,
        radio: Radio,
        delivery: Delivery,
        counts: BluetoothCounts,
        *,
        clock: Clock,
        rng: np.random.Generator,
        rule: ReconnectRule = RECONNECT,
    ) -> None:
        self._peers = {each.address: _Peer(each, FrameReader(each)) for each in settings.peripherals}
        self._radio = radio
        self._delivery = delivery
        self._counts = counts
        self._clock = clock
        self._rng = rng
        self._rule = rule
        self._changed = asyncio.Event()
        self._radio_failures = 0
        self._radio_complaint = ""

    async def run(self) -> NoReturn:
        """Until cancelled. Sessions end first, so that what they brought last is stored as well."""
        logger.info("Bluetooth: looking for %s", ", ".join(each.peripheral.label for each in self._peers.values()))
        async with asyncio.TaskGroup() as storing:
            storing.create_task(self._delivery.run())
            async with asyncio.TaskGroup() as sessions:
                while True:
                    found = await self._next()
                    if found is not None:
                        await self._connect(found, sessions)

    async def _next(self) -> Found | None:
        """A peripheral to connect to; None when it is time to look again."""
        if all(peer.busy for peer in self._peers.values()):
            self._changed.clear()
            await self._changed.wait()
        try:
            async with asyncio.timeout(_LISTEN_S):
                return await self._radio.find(self._is_wanted, self._radio_works)
        except TimeoutError:
            return None
        except BluetoothError as error:
            await self._without_radio(str(error))
            return None

    def _is_wanted(self, address: str) -> bool:
        peer = self._peers.get(address)
        return peer is not None and not peer.busy and self._clock.monotonic() >= peer.due_s

    def _radio_works(self) -> None:
        self._counts.radio.set(1)
        if self._radio_complaint:
            logger.info("Bluetooth works again")
        self._radio_failures, self._radio_complaint = 0, ""

    async def _without_radio(self, why: str) -> None:
        self._counts.radio.set(0)
        self._radio_failures += 1
        if why != self._radio_complaint:
            self._radio_complaint = why
            deaf = ", ".join(peer.peripheral.label for peer in self._peers.values() if not peer.busy)
            logger.error("no Bluetooth, so nothing is read from %s: %s", deaf, why)
        await asyncio.sleep(self._delay_s(self._radio_failures))

    async def _connect(self, found: Found, sessions: asyncio.TaskGroup) -> None:
        peer = self._peers[found.address]
        try:
            connected = await self._radio.connect(found, peer.peripheral.bond)
        except BluetoothError as error:
            self._failed(peer, error)
            return
        peer.busy = True
        self._counts.connections.labels("made").inc()
        self._counts.connected.inc()
        logger.info("%s: connected", peer.peripheral.label)
        sessions.create_task(self._attend(peer, connected))

    async def _attend(self, peer: _Peer, connected: Connected) -> None:
        session = Session(peer.peripheral.label, peer.reader, self._clock, self._delivery.put)
        try:
            await session.run(connected)
        except BluetoothError as error:
            self._failed(peer, error)
        else:
            self._lost(peer, session.values)
        finally:
            self._counts.connected.dec()
            with suppress(BluetoothError):
                await connected.close()
            peer.reader.clock.forget()
            peer.busy = False
            self._changed.set()

    def _lost(self, peer: _Peer, values: int) -> None:
        """The ordinary end: it went out of reach, or to sleep after its measurement."""
        self._counts.connections.labels("lost").inc()
        logger.info("%s: the connection has ended after %d readings", peer.peripheral.label, values)
        if values:
            peer.failures, peer.complaint = 0, ""
        self._wait(peer)

    def _failed(self, peer: _Peer, error: BluetoothError) -> None:
        unpaired = isinstance(error, PairingLost)
        self._counts.connections.labels("unpaired" if unpaired else "failed").inc()
        text = f"{_unpaired(peer.peripheral)}: {error}" if unpaired else f"cannot be read: {error}"
        if text != peer.complaint:
            peer.complaint = text
            logger.warning("%s: %s", peer.peripheral.label, text)
        self._wait(peer)

    def _wait(self, peer: _Peer) -> None:
        peer.failures += 1
        peer.due_s = self._clock.monotonic() + self._delay_s(peer.failures)

    def _delay_s(self, failures: int) -> float:
        """Half to fully by chance, so that two peripherals do not disturb each other for ever."""
        longest = min(self._rule.first_s * 2.0 ** min(failures - 1, 32), self._rule.longest_s)
        return longest * float(self._rng.uniform(0.5, 1.0))


def _unpaired(peripheral: Peripheral) -> str:
    if peripheral.bond:
        return "the pairing is lost or was refused; remove it from this system, then press its pairing button"
    return "it wants to be paired; set bond = true in the settings"
