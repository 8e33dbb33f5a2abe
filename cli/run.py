"""``vigil run core``, ``vigil run gateway``, ``vigil run watchdog``: one stage or group of stages as a process."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.installation import ConfigFile, DataDir, settings
from vigil.runtime import log
from vigil.runtime.broker import DEFAULT_PORT
from vigil.runtime.clock import SystemClock
from vigil.runtime.keys import load_keys

commands = typer.Typer(help="Run one process of Vigil.", no_args_is_help=True)


@commands.command("core")
def core(
    data_dir: DataDir = None,
    config: ConfigFile = None,
    port: Annotated[int | None, typer.Option(help="HTTP port [8000].")] = None,
    broker_port: Annotated[int | None, typer.Option(help="Where the MQTT broker listens.")] = None,
) -> None:
    """Ingest, analytics, api and the embedded store in one process; the broker must run already."""
    from cli.core import Core

    chosen = settings(config, data_dir, port=port)
    log.setup("core", chosen.log_level)
    keys = load_keys(chosen.data_dir, create=True)
    raise typer.Exit(Core(chosen, keys, broker_port or chosen.broker.port or DEFAULT_PORT, SystemClock()).run())


@commands.command("gateway")
def gateway(
    devices: Annotated[
        list[str] | None,
        typer.Argument(help="Device ids that it speaks for, beside those of its Bluetooth peripherals."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of this gateway.")] = "home",
    listen: Annotated[
        str | None, typer.Option(help="HOST:PORT or the path of a Unix socket for JSON lines [any free port].")
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read JSON lines from standard input; without --listen, until its end.")
    ] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """JSON lines and Bluetooth values (docs/gateway.md), spooled on disk, published by MQTT, kept until acknowledged."""
    from cli.gateway import run_gateway

    chosen = settings(config, data_dir)
    log.setup("gateway", chosen.log_level)
    run_gateway(chosen, name, tuple(devices or ()), listen, stdin)


@commands.command("watchdog")
def watchdog(
    name: Annotated[str, typer.Option(help="Tells it from other watchdogs of the same core.")] = "watchdog",
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Try the alarms all the time, and tell by another way when they fail (docs/watchdog.md)."""
    from cli.watchdog.start import run_watchdog

    chosen = settings(config, data_dir)
    log.setup("watchdog", chosen.log_level)
    run_watchdog(chosen, name)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="run")
