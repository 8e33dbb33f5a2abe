"""An event stream that ends early has measured nothing."""

from __future__ import annotations

import asyncio

import pytest

from cli.bench.latency import _events
from vigil.domain.errors import ServerUnreachable

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
FRAME = b"event: alert\ndata: {}\n\n"


@pytest.mark.parametrize("head", [HEAD, HEAD + b"Content-Length: 1000\r\n"], ids=["closed", "cut off"])
def test_what_came_is_given_then_the_end_is_an_error(head: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\n" + FRAME)
        await writer.drain()
        writer.close()

    found = []

    async def listen() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            async for each in _events(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "a-token"):
                found.append(each)

    with pytest.raises(ServerUnreachable, match="the event stream ended"):
        asyncio.run(listen())
    assert found == [("alert", "{}")]
