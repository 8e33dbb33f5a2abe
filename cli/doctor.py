"""``vigil doctor``: what runs, what is missing, and what to do about it."""

from __future__ import annotations

import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from api.auth import Role
from cli.channels import listed, try_channel
from cli.demo_token import token
from cli.influx import asked
from cli.installation import ConfigFile, DataDir, Running, settings
from cli.records import on_server, records_url
from cli.tls import certificates, tls_trouble
from vigil import __version__
from vigil.domain.errors import ConfigError, StoreError
from vigil.domain.times import SECOND, from_iso
from vigil.runtime.broker.mosquitto import find_mosquitto
from vigil.runtime.clock import Clock, SystemClock
from vigil.runtime.config import Settings
from vigil.runtime.keys import load_keys
from vigil.store.records.server import look

DISK_LOW_GIB = 2.0
CLOCK_OFF_US = 2 * SECOND
PROBE_S = 2.0
SHOWN_PACKAGES = ("paho-mqtt", "aiomqtt", "amqtt", "duckdb", "SQLAlchemy", "fastapi", "numpy", "msgspec")


@dataclass(frozen=True, slots=True)
class Finding:
    """``ok`` None = for information. ``todo``: what the operator should do, empty when nothing."""

    name: str
    ok: bool | None
    detail: str
    todo: str = ""


def doctor(
    data_dir: DataDir = None,
    config: ConfigFile = None,
    url: Annotated[bool, typer.Option("--url", help="Print only the address of the running api, for scripts.")] = False,
    test_channel: Annotated[
        str | None,
        typer.Option("--test-channel", help="Send a test notice through this channel, and say what came of it."),
    ] = None,
) -> None:
    """Say what runs, versions, ports, disk, clock, and what is missing; exit code 1 when something is wrong."""
    chosen = settings(config, data_dir)
    if url:
        typer.echo(Running.require(chosen.data_dir).http_url)
        return
    if test_channel is not None:
        raise typer.Exit(0 if try_channel(chosen, test_channel, SystemClock()) else 1)
    findings = list(examine(chosen, SystemClock()))
    table = Table("", "what", "finding", "to do", title=f"Vigil {__version__}")
    signs = {True: "ok", False: "WRONG", None: ""}
    for finding in findings:
        table.add_row(signs[finding.ok], finding.name, finding.detail, finding.todo)
    Console(soft_wrap=False).print(table)
    raise typer.Exit(1 if any(finding.ok is False for finding in findings) else 0)


def examine(chosen: Settings, clock: Clock) -> Iterator[Finding]:
    yield Finding("python", sys.version_info >= (3, 11), platform.python_version())
    yield Finding("packages", None, ", ".join(f"{name} {version(name)}" for name in SHOWN_PACKAGES))
    yield Finding("sqlite", None, sqlite3.sqlite_version)
    yield _mosquitto()
    yield from _data(chosen)
    yield from (Finding(*found) for found in certificates(chosen, clock))
    if on_server(chosen):
        yield _records(chosen)
    if chosen.influx.url:
        yield Finding("influx", *asked(chosen, clock))
    yield from (Finding(f"channel {name}", ok, detail) for name, ok, detail in listed(chosen, clock))
    running = Running.find(chosen.data_dir)
    if running is None:
        yield Finding("running", None, f"nothing runs in {chosen.data_dir}", "vigil up")
        yield _port(chosen.host, chosen.port)
        return
    yield Finding("running", True, f"process {running.pid}, {running.http_url}")
    yield _broker(chosen, running)
    yield from _core(chosen, running, clock)


def _mosquitto() -> Finding:
    program = find_mosquitto()
    if program is None:
        todo = "install mosquitto (Debian: apt install mosquitto): the embedded broker is for demonstration only"
        return Finding("mosquitto", None, "not installed; the embedded broker (amqtt) is used", todo)
    return Finding("mosquitto", True, str(program))


def _records(chosen: Settings) -> Finding:
    try:
        found = look(records_url(chosen))
    except (ConfigError, StoreError) as error:
        return Finding("records", False, str(error))
    detail = f"PostgreSQL {found.version} at {found.address}"
    if not found.durable:
        return Finding("records", False, detail, "it runs with fsync = off: a power cut may lose records; switch it on")
    todo = "" if found.sorted_by_letter else f"lists are sorted as {found.collation}: C sorts as everywhere else"
    return Finding("records", True, detail, todo)


def _data(chosen: Settings) -> Iterator[Finding]:
    folder = chosen.data_dir if chosen.data_dir.exists() else Path()
    free = shutil.disk_usage(folder).free / 2**30
    yield Finding(
        "disk",
        free >= DISK_LOW_GIB,
        f"{free:.1f} GiB free at {folder.resolve()}",
        "" if free >= DISK_LOW_GIB else "make room",
    )
    try:
        load_keys(chosen.data_dir)
        yield Finding("keys", True, "present")
    except ConfigError as error:
        yield Finding("keys", None, str(error))


def _port(host: str, port: int) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(PROBE_S)
        taken = probe.connect_ex((host, port)) == 0
    todo = "stop the program that listens there, or use --port" if taken else ""
    return Finding("HTTP port", not taken, f"{port} is {'taken' if taken else 'free'}", todo)


def _broker(chosen: Settings, running: Running) -> Finding:
    where = f"{running.broker_host}:{running.broker_port} ({running.broker_kind})"
    with socket.socket() as probe:
        probe.settimeout(PROBE_S)
        if probe.connect_ex((running.broker_host, running.broker_port)) != 0:
            return Finding("broker", False, f"not reachable at {where}", "look at the log of vigil up")
    trouble = tls_trouble(chosen, running.broker_host, running.broker_port)
    if trouble:
        return Finding("broker", False, f"no TLS with {where}", trouble)
    demo = "demonstration only: it forgets messages; senders re-send them" if running.broker_kind == "embedded" else ""
    return Finding("broker", True, f"reachable at {where}", demo)


def _core(chosen: Settings, running: Running, clock: Clock) -> Iterator[Finding]:
    access = token(load_keys(chosen.data_dir), Role.TECHNICIAN, "doctor")
    try:
        before = clock.now_us()
        headers = {"Authorization": f"Bearer {access}"}
        answer = httpx.get(f"{running.http_url}/api/v1/health", headers=headers, timeout=PROBE_S, trust_env=False)
        document = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        yield Finding("core", False, f"does not answer: {type(error).__name__}", "look at the log of vigil up")
        return
    for check in document["checks"]:
        yield Finding(f"core: {check['name']}", bool(check["ok"]), check["detail"])
    off = abs(from_iso(document["server_at"]) - before)
    yield Finding("clock", off < CLOCK_OFF_US, f"core and this shell differ by {off / SECOND:.1f} s")


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)
