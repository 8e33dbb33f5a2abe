"""Many who look at one ward at once: what a second's changes cost the core, and what memory each of them takes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from cli.bench.api_sender import each_second, sending
from cli.bench.ingestion.backlog import VITALS
from cli.bench.ingestion.site import HOST, Site
from vigil.domain.errors import ServerUnreachable
from vigil.runtime.clock import Clock

#: The core is let alone for so long before its memory is looked at.
_SETTLED_S = 3.0
_OPENED_S = 60.0
_READ = 1 << 18


@dataclass(frozen=True, slots=True)
class Publishing:
    """``fields``: vitals of each person that changed with each second. CPU seconds of the core a second, without and with the
    clients; ``octets``: what each client got a second."""

    fields: int
    alone: float
    watched: float
    octets: float

    @property
    def cpu(self) -> float:
        """Of all clients together, a second."""
        return self.watched - self.alone


@dataclass(frozen=True, slots=True)
class Watched:
    """``idle``: bytes of the core's memory that each open stream takes."""

    clients: int
    idle: float
    publishing: tuple[Publishing, ...]


class Core:
    """A process, as Linux counts it."""

    def __init__(self, pid: int, clock: Clock) -> None:
        self._folder, self._clock = Path("/proc") / str(pid), clock
        self._tick = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")

    def cpu_s(self) -> float:
        """Of all its threads, so far."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / self._tick

    def memory(self) -> int:
        """Bytes that lie in memory."""
        return int((self._folder / "statm").read_text().split()[1]) * self._page

    async def share(self, seconds: float) -> float:
        """CPU seconds a second over so long."""
        cpu, at = self.cpu_s(), self._clock.monotonic()
        await asyncio.sleep(seconds)
        return (self.cpu_s() - cpu) / (self._clock.monotonic() - at)


class Watcher:
    """One open stream whose bytes are counted and thrown away."""

    def __init__(self) -> None:
        self.octets = 0
        self._task: asyncio.Task[None] | None = None

    async def open(self, site: Site, token: str) -> None:
        """Until the first byte has come. Raises ``ServerUnreachable``."""
        reader, self._writer = await asyncio.open_connection(HOST, site.http_port, limit=_READ)
        self._writer.write(
            f"GET /api/v1/stream HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
            "Accept-Encoding: gzip\r\n\r\n".encode()  # as every browser
        )
        first = await reader.readline()
        if b" 200 " not in first:
            raise ServerUnreachable(f"an event stream was refused: {first.decode('latin-1').strip()}")
        self._task = asyncio.create_task(self._count(reader))

    async def _count(self, reader: asyncio.StreamReader) -> None:
        while found := await reader.read(_READ):
            self.octets += len(found)

    async def close(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        self._writer.close()


async def watched(site: Site, pid: int, token: str, devices: Sequence[str], clients: int, seconds: float) -> Watched:
    """``devices`` say one vital and then six, each once a second, for so long each time without and with ``clients``."""
    core = Core(pid, site.clock)
    await asyncio.sleep(_SETTLED_S)
    before = core.memory()
    async with AsyncExitStack() as opened:
        await _opened(opened, site, token, clients)
        await asyncio.sleep(_SETTLED_S)
        idle = (core.memory() - before) / clients
    found = []
    for fields in (1, VITALS):
        with sending(site, *each_second(site, devices, fields, 2 * seconds + 2 * _SETTLED_S + _OPENED_S)):
            await asyncio.sleep(_SETTLED_S)
            alone = await core.share(seconds)
            async with AsyncExitStack() as opened:
                watchers = await _opened(opened, site, token, clients)
                await asyncio.sleep(_SETTLED_S)
                had = sum(one.octets for one in watchers)
                share = await core.share(seconds)
                octets = (sum(one.octets for one in watchers) - had) / clients / seconds
            found.append(Publishing(fields, alone, share, octets))
    return Watched(clients, idle, tuple(found))


async def _opened(stack: AsyncExitStack, site: Site, token: str, clients: int) -> list[Watcher]:
    watchers = [Watcher() for _ in range(clients)]
    try:
        async with asyncio.timeout(_OPENED_S):
            for one in watchers:
                await one.open(site, token)
                stack.push_async_callback(one.close)
    except (TimeoutError, OSError) as error:
        raise ServerUnreachable(f"not all event streams could be opened: {type(error).__name__}") from error
    return watchers
