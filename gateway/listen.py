"""Where lines come from: a local TCP or Unix socket, and standard input."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from gateway.decode import MAX_LINE_BYTES
from vigil.domain.errors import ConfigError, PortTaken

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_CHUNK = 65_536


@asynccontextmanager
async def listening(where: tuple[str, int] | Path, serve: Serve) -> AsyncIterator[tuple[str, int] | Path]:
    """Serves connections inside the block; gives the address that it got. Raises ``PortTaken`` or ``ConfigError``."""
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_run(serve, reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await _opened(where, connected)
    try:
        yield where if isinstance(where, Path) else server.sockets[0].getsockname()[:2]
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        if isinstance(where, Path):
            where.unlink(missing_ok=True)


async def _run(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await serve(reader, writer)


async def _opened(
    where: tuple[str, int] | Path, connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
) -> asyncio.Server:
    try:
        if isinstance(where, Path):
            _check_free(where)
            server = await asyncio.start_unix_server(connected, where, limit=MAX_LINE_BYTES)
            where.chmod(0o600)
            return server
        return await asyncio.start_server(connected, where[0], where[1], limit=MAX_LINE_BYTES)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"another program listens on {where}") from error
        raise ConfigError(f"the gateway cannot listen on {where}: {error.strerror}") from error


def _check_free(path: Path) -> None:
    """A killed gateway leaves its socket file, which asyncio replaces; it would replace a living one as well."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise PortTaken(f"another program listens on {path}")


async def serve_descriptors(serve: Serve, source: int = 0, sink: int = 1) -> None:
    """Lines from one file descriptor, answers to the other, until the end of the input.

    Two threads copy through a socket pair, because asyncio itself can wait for pipes but not for files.
    """
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
    copying = [
        threading.Thread(target=_copy_in, args=(source, theirs), name="standard input", daemon=True),
        threading.Thread(target=_copy_out, args=(theirs, sink), name="standard output", daemon=True),
    ]
    for thread in copying:
        thread.start()
    try:
        await serve(reader, writer)
        await writer.wait_closed()
        await asyncio.to_thread(copying[1].join)
    finally:
        writer.close()


def _copy_in(source: int, to: socket.socket) -> None:
    with suppress(OSError):
        while chunk := os.read(source, _CHUNK):
            to.sendall(chunk)
        to.shutdown(socket.SHUT_WR)


def _copy_out(origin: socket.socket, sink: int) -> None:
    with suppress(OSError), origin:
        while chunk := origin.recv(_CHUNK):
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(sink, rest) :]
