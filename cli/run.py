"""``vigil run core|broker|gateway|watchdog``: one stage or group of stages as a process."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from cli.installation import ConfigFile, DataDir, announced, settings
from vigil.domain.errors import BrokerError
from vigil.runtime import log
from vigil.runtime.broker import DEFAULT_PORT, DEFAULT_TLS_PORT, Accounts, TlsListeners, plan_tls_broker
from vigil.runtime.broker.acl import INGEST, INGEST_APART
from vigil.runtime.clock import SystemClock
from vigil.runtime.keys import load_keys
from vigil.runtime.tls import trusting

#: A thread that computes gives Python's lock away after this long, seconds; Python's own 5 ms is what most answers waited for
#: while readings came in (``docs/decisions/0037-api-figures.md``).
TURN_S = 0.001

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
    trust = chosen.broker.trust
    if trust is not None:
        trust.context()  # certificates that cannot be read are told now and not by a thread
    keys = load_keys(chosen.data_dir, create=True)
    mqtt_port = broker_port or chosen.broker.port or (DEFAULT_PORT if trust is None else DEFAULT_TLS_PORT)
    sys.setswitchinterval(TURN_S)
    with announced(chosen, mqtt_port):
        code = Core(chosen, keys, mqtt_port, SystemClock()).run()
    raise typer.Exit(code)


@commands.command("broker")
def broker(
    listen: Annotated[str, typer.Option(help="Address of this machine to listen on [all of them].")] = "",
    certificates_port: Annotated[
        int, typer.Option(min=0, max=65535, help="A second port, for devices with a client certificate; 0 = none.")
    ] = 0,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only write what mosquitto needs, where something else starts it.")
    ] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """mosquitto with TLS, for devices outside this machine, set up from the certificates in the data directory (docs/tls.md)."""
    chosen = settings(config, data_dir)
    accounts = Accounts(chosen.data_dir)
    password = load_keys(chosen.data_dir, create=True).ingest_password
    # A new hash of the same password would end the core's connections.
    if not all(accounts.verify(name, password) for name in (INGEST, INGEST_APART)):
        accounts.set_service(INGEST, password)
    port = chosen.broker.port or DEFAULT_TLS_PORT
    plan = plan_tls_broker(accounts, TlsListeners(port, certificates_port, listen))
    if prepare:
        typer.echo(f"{accounts.directory / 'mosquitto.conf'} is for port {port}.")
        return
    if not plan.argv:
        raise BrokerError("mosquitto is not installed: install it (Debian: apt install mosquitto)")
    os.execv(plan.argv[0], plan.argv)  # signals then reach it, and its own end is what the service manager sees


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
    with trusting(chosen.broker.trust):
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
    with trusting(chosen.broker.trust):
        run_watchdog(chosen, name)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="run")
