"""The live view: one task builds each second's tick once for all clients, and pushes alerts as soon as they are recorded.

The bus only rings the bell; what is sent is read from the alert log, in order of ``seq``, so that no alert can be skipped
whatever thread recorded it, and a client that comes back with the last ``seq`` it saw gets all that it missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass

from api import shape
from api.auth import Principal
from api.care import EVERYBODY, Care, Reach, View
from api.cut import cut
from api.looking import Looking
from api.sse import Client, Frame, frame
from api.ticks import Changes
from api.ward import Ward
from vigil.bus.board import Bus
from vigil.domain.alerts import Transition
from vigil.domain.break_glass import Grant
from vigil.domain.errors import StoreError, VigilError
from vigil.domain.people import is_test
from vigil.runtime.clock import Clock
from vigil.store import RecordStore

log = logging.getLogger("vigil.api.live")

PERIOD_S = 1.0
#: Alert log lines replayed to a client that comes back; one that missed more starts from a snapshot.
MOST_RESUMED = 1000
#: Streams open at once (ours); what one takes is said by ``vigil bench api``.
MOST_CLIENTS = 1000


@dataclass(frozen=True, slots=True)
class Beginning:
    """A snapshot as it is sent: after tick ``number``, log position ``seq``, and so many turns of grants."""

    number: int
    seq: int
    turns: int
    data: Frame


class LiveHub:
    """Runs in the event loop of the server; all store calls are made in worker threads.

    Clients with the same ``Reach`` are sent the same bytes, which are made once, however many they are.
    """

    def __init__(self, ward: Ward, records: RecordStore, bus: Bus, clock: Clock, care: Care, looking: Looking) -> None:
        self._ward, self._records, self._bus, self._clock, self._care = ward, records, bus, clock, care
        self._looking = looking
        self._clients: set[Client] = set()
        self._seq = 0
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._building = asyncio.Lock()
        self._cached: dict[tuple[bool, Reach], Beginning] = {}
        self._number, self._turns = -1, 0
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
        self._care.wake = ring
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
        """Sends what was recorded since the last time, to all clients who may see whom it is about."""
        while True:
            lines = await asyncio.to_thread(
                self._records.transitions, after_seq=self._seq, limit=MOST_RESUMED, include_test=True
            )
            await self.push_grants()
            views = await asyncio.to_thread(self._views, self._reaches()) if lines else {}
            for line in lines:
                self._seq = line.seq
                frames: dict[bool, Frame] = {}
                sees: dict[Reach, bool] = {}
                test = is_test(line.after.patient_id)
                for client in tuple(self._clients):
                    if test != client.test:
                        continue
                    if client.reach not in sees:  # who came meanwhile has no view yet, and must not miss it
                        view = views.get(client.reach) or self._care.view_of(client.reach)
                        sees[client.reach] = view.alert(line.after)
                    if not sees[client.reach]:
                        continue
                    if client.names not in frames:
                        frames[client.names] = alert_frame(line, client.names)
                    client.offer_alert(line.seq, frames[client.names])
            if len(lines) < MOST_RESUMED:
                return

    async def push_grants(self) -> None:
        """Tells the patient's own ward who opened a record, and begins anew with all for whom a grant began or ended."""
        fresh, turned = await asyncio.to_thread(self._care.turned)
        if not turned:
            return
        self._turns += 1
        before = self._reaches()
        now_of = {client: self._care.reach(client.who) for client in tuple(self._clients) if not client.test}
        views = await asyncio.to_thread(self._views, {*before, *now_of.values(), *map(_by_ward, before)})
        for client, reach in now_of.items():
            if reach != client.reach:
                client.turn(reach)
            elif any(map(views[reach].patient, turned)):
                client.start_over()
            for grant in fresh:
                if views[_by_ward(client.reach)].patient(grant.patient_id):
                    client.offer_news(grant_frame(grant))

    async def push_lookers(self) -> None:
        """Tells who has which card open, when that is not what was told before."""
        if not await asyncio.to_thread(self._looking.turned):
            return
        reaches = self._reaches()
        frames = await asyncio.to_thread(lambda: {reach: self._lookers(reach) for reach in reaches})
        for client in tuple(self._clients):
            if not client.test and client.reach in frames:  # who came meanwhile is told after the snapshot
                client.offer_news(frames[client.reach])

    def _lookers(self, reach: Reach) -> Frame:
        return frame("looking", {"items": self._looking.seen(self._care.view_of(reach))})

    def _reaches(self) -> set[Reach]:
        return {client.reach for client in self._clients if not client.test}

    def _views(self, reaches: Collection[Reach]) -> dict[Reach, View]:
        return {reach: self._care.view_of(reach) for reach in reaches}

    async def tick(self) -> None:
        """Sends one second's changes, or a heartbeat when there is none."""
        await self.push_grants()
        await self.push_lookers()
        changes, server_at = await asyncio.to_thread(self._take_changes)
        # Asked for now: who came while the changes were looked for is sent them too, and not a second snapshot.
        reaches = self._reaches()
        gzip = any(client.gzip for client in self._clients)
        frames = await asyncio.to_thread(self._frames, changes, server_at, reaches, gzip)
        number = self._number = changes.number
        self._cached = {key: one for key, one in self._cached.items() if key[1] in reaches}
        now = self._clock.now_us()
        beat = frame("heartbeat", {"server_at": shape.iso(now)})
        for client in tuple(self._clients):
            if client.who.expires_at <= now:
                client.close()
            elif client.test:
                client.offer_tick(number, beat)
            elif changes.reset or (data := frames.get(client.reach)) is None:
                client.start_over()
            else:
                self.dropped += client.offer_tick(number, data)

    def _take_changes(self) -> tuple[Changes, str]:
        return self._ward.take_changes(), shape.iso(self._clock.now_us())

    def _frames(self, changes: Changes, server_at: str, reaches: Collection[Reach], gzip: bool) -> dict[Reach, Frame]:
        beat = frame("heartbeat", {"server_at": server_at})
        if changes.reset or not changes:
            return dict.fromkeys(reaches, beat)
        ticks = cut(changes.tick(server_at), changes.before, self._care.wards(), reaches)
        frames = {reach: beat if tick is None else frame("tick", tick) for reach, tick in ticks.items()}
        for one in frames.values() if gzip else ():
            one.packed  # noqa: B018 - here and not in the event loop
        return frames

    async def stream(self, client: Client, last_seq: int | None) -> AsyncGenerator[Frame]:
        """All that one client is sent, until it goes, its token ends or the hub stops."""
        self._clients.add(client)
        try:
            seen = 0
            if last_seq is not None:
                lines = await self._missed(last_seq, client)
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
                    reach, begin = client.reach, await self._beginning(client)
                    if client.reach != reach:
                        continue  # it was turned meanwhile, and starts over again
                    client.skip_ticks(begin.number)
                    client.skip_alerts(max(seen, begin.seq))
                    yield begin.data
                    if not client.test and self._looking.anybody:
                        yield await asyncio.to_thread(self._lookers, client.reach)
                found = await client.next()
                if found is not None:
                    yield found
            if client.last_words:
                yield client.last_words
        finally:
            self._clients.discard(client)

    async def _missed(self, last_seq: int, client: Client) -> list[Transition] | None:
        """The log after ``last_seq``; None when it cannot be resumed from there."""
        end = await asyncio.to_thread(self._records.last_seq)
        if not 0 <= last_seq <= end:
            return None
        lines = await asyncio.to_thread(
            self._records.transitions, after_seq=last_seq, limit=MOST_RESUMED + 1, include_test=client.test
        )
        if len(lines) > MOST_RESUMED:
            return None
        view = await asyncio.to_thread(self._care.view_of, client.reach)
        about = (line for line in lines if is_test(line.after.patient_id) == client.test)
        return [line for line in about if view.alert(line.after)]

    async def _beginning(self, client: Client) -> Beginning:
        """A watchdog's begins where it stands, with a sign of life."""
        if not client.test:
            return await self._snapshot(client.names, client.reach, client.gzip)
        beat = frame("heartbeat", {"server_at": shape.iso(self._clock.now_us())})
        return Beginning(self._number, 0, self._turns, beat)

    async def _snapshot(self, names: bool, reach: Reach, gzip: bool) -> Beginning:
        """Built once for all who come between two ticks and see the same; anew when the log has moved on, or an alert would be
        missed, and when a grant began or ended."""
        async with self._building:
            known = self._cached.get((names, reach))
            if known is None or (known.number, known.turns) != (self._number, self._turns) or known.seq < self._seq:
                known = await asyncio.to_thread(self._build_snapshot, names, reach, self._turns)
                self._cached[names, reach] = known
            if gzip:
                await asyncio.to_thread(getattr, known.data, "packed")
            return known

    def _build_snapshot(self, names: bool, reach: Reach, turns: int) -> Beginning:
        snapshot = self._ward.snapshot(names, self._care.view_of(reach))
        data = {
            "server_at": shape.iso(self._clock.now_us()),
            "patients": snapshot.patients,
            "alerts": snapshot.alerts,
        }
        return Beginning(snapshot.number, snapshot.seq, turns, frame("snapshot", data, snapshot.seq))

    def admit(self, who: Principal, test: bool = False, gzip: bool = False) -> Client:
        """Raises ``StoreError`` when the live view does not run, so that nobody waits on a stream that says nothing."""
        if not self.running:
            raise StoreError("the live view does not run")
        return Client(who, EVERYBODY if test else self._care.reach(who), test, gzip)

    @property
    def full(self) -> bool:
        return len(self._clients) >= MOST_CLIENTS


def alert_frame(line: Transition, names: bool) -> Frame:
    return frame("alert", shape.alert_event(line, names), line.seq)


def grant_frame(grant: Grant) -> Frame:
    """The reason is for those who review."""
    data = {
        "id": grant.grant_id,
        "patient_id": grant.patient_id,
        "by": grant.person,
        "at": shape.iso(grant.at),
        "until": shape.iso(grant.expires_at),
    }
    return frame("break_glass", data)


def _by_ward(reach: Reach) -> Reach:
    return Reach(reach.wards)
