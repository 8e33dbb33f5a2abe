"""The account of ``vigil run gateway``: from the core, from a core that is killed meanwhile, or kept from the last start."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from cli import gateway
from cli.installation import Running
from vigil.domain.errors import ServerUnreachable
from vigil.runtime.config import Settings, load
from vigil.runtime.keys import load_keys
from vigil.runtime.link import BrokerLogin

NEW, LAST = (BrokerLogin("127.0.0.1", 1883, "g-1", password) for password in ("second", "first"))
ACCOUNT = {"host": NEW.host, "port": NEW.port, "username": "g-1", "password": "second"}


class Core:
    """Answers by HTTP. Of the first ``killed`` questions for an account it closes the line instead."""

    def __init__(self, killed: int = 0, ready: bool = True) -> None:
        self.killed, self.ready, self.asked = killed, ready, 0

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[Settings]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        load_keys(folder, create=True)
        Running(f"http://127.0.0.1:{port}", "127.0.0.1", 1883, "mosquitto", "home", os.getpid()).save(folder)
        async with server:
            yield load(None, {}, data_dir=folder)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        if asked.startswith("POST"):
            self.asked += 1
        if not asked.startswith("POST") or self.asked > self.killed:
            body = json.dumps({"mqtt": ACCOUNT}).encode()
            status = "200 OK" if self.ready else "503 Service Unavailable"
            head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()


def asked(core: Core, folder: Path, kept: Path) -> BrokerLogin:
    async def run() -> BrokerLogin:
        async with core.running(folder) as chosen:
            return await gateway._login(chosen, "1", ("w-1",), kept)

    return asyncio.run(run())


def _written(login: BrokerLogin) -> dict[str, object]:
    return {name: value for name, value in asdict(login).items() if name != "tls"}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file of the last start."""
    file = tmp_path / "gateways" / "1.json"
    file.parent.mkdir()
    file.write_text(json.dumps(_written(LAST)))
    return file


def test_a_core_that_is_killed_before_it_answers_is_asked_again(tmp_path: Path, kept: Path) -> None:
    core = Core(killed=2)
    assert asked(core, tmp_path, kept) == NEW  # the kept password may be old by then
    assert core.asked == 3
    assert json.loads(kept.read_text()) == _written(NEW)


def test_a_core_that_never_answers_is_given_up(tmp_path: Path, kept: Path) -> None:
    core = Core(killed=99)
    with pytest.raises(ServerUnreachable):
        asked(core, tmp_path, kept)
    assert core.asked == gateway.ASKED


def test_where_the_core_is_not_ready_the_last_account_is_used(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "START_S", 0.1)
    core = Core(ready=False)
    assert asked(core, tmp_path, kept) == LAST
    assert core.asked == 0


def test_the_very_first_start_says_that_the_core_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "START_S", 0.1)
    with pytest.raises(ServerUnreachable, match="not ready"):
        asked(Core(ready=False), tmp_path, tmp_path / "1.json")
