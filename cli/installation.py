"""What the commands of one installation share: settings, keys, and the note of what runs where."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from vigil.domain.errors import ConfigError, PortTaken
from vigil.runtime.config import Settings, load

RUN_FILE = "run.json"

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where databases and keys are kept [.vigil].")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file [vigil.toml when it exists].")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Level of the MQTT topic tree [home].")]


@dataclass(frozen=True, slots=True)
class Running:
    """Where a running ``vigil up`` or ``vigil run core`` listens; written to ``<data_dir>/run.json``. ``broker_kind``: mosquitto,
    embedded, or outside when Vigil has not started it."""

    http_url: str
    broker_host: str
    broker_port: int
    broker_kind: str
    tenant: str
    pid: int

    def save(self, data_dir: Path) -> None:
        path = data_dir / RUN_FILE
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self), indent=1), "utf-8")
        temporary.replace(path)

    @staticmethod
    def find(data_dir: Path) -> Running | None:
        """None when nothing was started here, or it has ended."""
        try:
            running = Running(**json.loads((data_dir / RUN_FILE).read_text("utf-8")))
            os.kill(running.pid, 0)
        except (OSError, ValueError, TypeError):
            return None
        return running

    @staticmethod
    def elsewhere(url: str, chosen: Settings) -> Running:
        """A core in another container or on another machine, by its address and the settings."""
        return Running(url, chosen.broker.host, chosen.broker.port, "outside", chosen.tenant, os.getpid())

    @staticmethod
    def require(data_dir: Path) -> Running:
        running = Running.find(data_dir)
        if running is None:
            raise ConfigError(f"nothing runs in {data_dir}: start it with vigil up (or name --data-dir)")
        return running


@contextmanager
def announced(chosen: Settings, broker_port: int) -> Iterator[None]:
    """The note for other commands that this process is the core, unless ``vigil up`` has written one for it."""
    other = Running.find(chosen.data_dir)
    # In a container every start has the same process id: a note of our own number is our own from the last one.
    if chosen.port == 0 or (other is not None and other.pid != os.getpid()):
        yield
        return
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(chosen.host, chosen.host)
    url = f"http://{host}:{chosen.port}"
    Running(url, chosen.broker.host, broker_port, "outside", chosen.tenant, os.getpid()).save(chosen.data_dir)
    try:
        yield
    finally:
        (chosen.data_dir / RUN_FILE).unlink(missing_ok=True)


def settings(config: Path | None, data_dir: Path | None, port: int | None = None) -> Settings:
    """Settings with the command line on top."""
    return load(config, data_dir=data_dir, port=port)


def free_port(host: str, wanted: int, what: str, default: int = 0, but: int = 0) -> int:
    """The port to listen on. A port that was asked for must be free, else ``PortTaken``; 0 tries ``default``, then any, except
    ``but``, which is given away and not yet listened on."""
    if wanted:
        if not _is_free(host, wanted):
            raise PortTaken(
                f"{what} port {wanted} on {host} is taken by another program: stop it or choose another port"
            )
        return wanted
    if default not in (0, but) and _is_free(host, default):
        return default
    while True:
        with socket.create_server((host, 0)) as server:
            found = int(server.getsockname()[1])
        if found != but:
            return found


def _is_free(host: str, port: int) -> bool:
    try:
        # reuse_port off: on Linux create_server would else share a port that somebody listens on
        with socket.create_server((host, port)):
            return True
    except OSError:
        return False
