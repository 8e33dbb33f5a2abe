"""The live view: one task builds each second's tick once for all clients, and pushes alerts as soon as they are recorded.

The bus only rings the bell; what is sent is read from the alert log, in order of ``seq``, so that no alert can be skipped
whatever thread recorded it, and a client that comes back with the last ``seq`` it saw gets all that it missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from api import shape
from api.sse import Client, frame
from api.ward import Ward
from vigil.bus.board import Bus
from vigil.domain.alerts import Transition
from vigil.domain.errors import StoreError, VigilError
from vigil.domain.people import is_test
from vigil.runtime.clock import Clock
from vigil.store import RecordStore

log = logging.getLogger("vigil.api.live")

PERIOD_S = 1.0
#: Alert log lines replayed to a client that comes back; one that missed more starts from a snapshot.
MOST_RESUMED = 1000
MOST_CLIENTS = 200


class LiveHub:
    """Runs in the event loop of the server; all store calls are made in worker threads."""

    def __init__(self, ward: Ward, records: RecordStore, bus: Bus, clock: Clock) -> None:
        self._ward, self._records, self._bus, self._clock = ward, records, bus, clock
        self._clients: set[Client] = set()
        self._seq = 0
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._building = asyncio.Lock()
        self._cached: dict[bool, tuple[int, int, bytes]] = {}
        self._number = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = False
        self.dropped = 0

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done() and not self._ending

    @property
    def clients(self) -> int:
        return len(self._clients)

    async def start(self) -> None:
        """Takes up the log at its end; then runs until ``stop``."""
        self._loop, self._ending = asyncio.get_running_loop(), False
        self._seq = await asyncio.to_thread(self._records.last_seq)
        self._task = asyncio.create_task(self._run(), name="live")

    async def stop(self) -> None:
        self.close_clients()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def end_streams(self) -> None:
        """Ends every stream and opens no new one, so that the server can stop without waiting. Any thread may call it."""
        self._ending = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.close_clients)

    def close_clients(self) -> None:
        """Call it in the event loop's thread."""
        for client in tuple(self._clients):
            client.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()

        def ring() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._bell.set)

        subscription = self._bus.transitions.subscribe(1, wake=ring)
        try:
            due = loop.time() + PERIOD_S
            while True:
                await self._wait(due - loop.time())
                try:
                    await self.push_alerts()
                    if loop.time() >= due:
                        due = max(due + PERIOD_S, loop.time())
                        await self.tick()
                        await asyncio.to_thread(self._ward.seed)
                except VigilError as error:
                    # No tick and no heartbeat leaves: within 3 s every page says that it is not live.
                    log.error("live view stands still: %s", type(error).__name__, exc_info=error)
                    await asyncio.sleep(PERIOD_S)
        finally:
            subscription.close()
            self.close_clients()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._bell.wait()
        except TimeoutError:
            return
        self._bell.clear()

    async def push_alerts(self) -> None:
        """Sends what was recorded since the last time, to all clients."""
        while True:
            lines = await asyncio.to_thread(
                self._records.transitions, after_seq=self._seq, limit=MOST_RESUMED, include_test=True
            )
            for line in lines:
                self._seq = line.seq
                frames: dict[bool, bytes] = {}
                test = is_test(line.after.patient_id)
                for client in tuple(self._clients):
                    if test != client.test:
                        continue
                    if client.names not in frames:
                        frames[client.names] = alert_frame(line, client.names)
                    client.offer_alert(line.seq, frames[client.names])
            if len(lines) < MOST_RESUMED:
                return

    async def tick(self) -> None:
        """Sends one second's changes, or a heartbeat when there is none."""
        number, data, reset = await asyncio.to_thread(self._build_tick)
        self._number = number
        now = self._clock.now_us()
        beat = frame("heartbeat", {"server_at": shape.iso(now)})
        for client in tuple(self._clients):
            if client.expires_at <= now:
                client.close()
            elif reset:
                client.start_over()
            elif client.test:
                client.offer_tick(number, beat)
            else:
                self.dropped += client.offer_tick(number, data)

    def _build_tick(self) -> tuple[int, bytes, bool]:
        changes = self._ward.take_changes()
        server_at = shape.iso(self._clock.now_us())
        if changes and not changes.reset:
            return changes.number, frame("tick", changes.tick(server_at)), False
        return changes.number, frame("heartbeat", {"server_at": server_at}), changes.reset

    async def stream(self, client: Client, last_seq: int | None) -> AsyncIterator[bytes]:
        """All that one client is sent, until it goes, its token ends or the hub stops."""
        self._clients.add(client)
        try:
            seen = 0
            if last_seq is not None:
                lines = await self._missed(last_seq, client.test)
                for line in lines or ():
                    seen = line.seq
                    yield alert_frame(line, client.names)
                if lines is not None:
                    seen = max(seen, last_seq)
                    yield frame("resumed", {"from": last_seq, "to": seen})
                    client.skip_alerts(seen)
            client.start_over()
            while not client.closed:
                if client.take_start_over():
                    number, seq, data = await self._beginning(client)
                    client.skip_ticks(number)
                    client.skip_alerts(max(seen, seq))
                    yield data
                found = await client.next()
                if found is not None:
                    yield found
            if client.last_words:
                yield client.last_words
        finally:
            self._clients.discard(client)

    async def _missed(self, last_seq: int, test: bool) -> list[Transition] | None:
        """The log after ``last_seq``; None when it cannot be resumed from there."""
        end = await asyncio.to_thread(self._records.last_seq)
        if not 0 <= last_seq <= end:
            return None
        lines = await asyncio.to_thread(
            self._records.transitions, after_seq=last_seq, limit=MOST_RESUMED + 1, include_test=test
        )
        if len(lines) > MOST_RESUMED:
            return None
        return [line for line in lines if is_test(line.after.patient_id) == test]

    async def _beginning(self, client: Client) -> tuple[int, int, bytes]:
        """Tick number, position in the log and frame; a watchdog's begins where it stands, with a sign of life."""
        if not client.test:
            return await self._snapshot(client.names)
        return self._number, 0, frame("heartbeat", {"server_at": shape.iso(self._clock.now_us())})

    async def _snapshot(self, names: bool) -> tuple[int, int, bytes]:
        """Built once for all who come between two ticks; anew when the log has moved on, or an alert would be missed."""
        async with self._building:
            cached = self._cached.get(names)
            if cached is None or cached[0] != self._number or cached[1] < self._seq:
                cached = self._cached[names] = await asyncio.to_thread(self._build_snapshot, names)
            return cached

    def _build_snapshot(self, names: bool) -> tuple[int, int, bytes]:
        snapshot = self._ward.snapshot(names)
        data = {
            "server_at": shape.iso(self._clock.now_us()),
            "patients": snapshot.patients,
            "alerts": snapshot.alerts,
        }
        return snapshot.number, snapshot.seq, frame("snapshot", data, snapshot.seq)

    def admit(self, names: bool, expires_at: int, test: bool = False) -> Client:
        """Raises ``StoreError`` when the live view does not run, so that nobody waits on a stream that says nothing."""
        if not self.running:
            raise StoreError("the live view does not run")
        return Client(names, expires_at, test)

    @property
    def full(self) -> bool:
        return len(self._clients) >= MOST_CLIENTS


def alert_frame(line: Transition, names: bool) -> bytes:
    return frame("alert", shape.alert_event(line, names), line.seq)
