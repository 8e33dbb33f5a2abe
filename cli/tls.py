"""``vigil tls``: an own certificate authority for the broker, and certificates from it (docs/tls.md)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.installation import ConfigFile, DataDir, settings
from vigil.domain.errors import ConfigError
from vigil.runtime.authority import CA_NAME, SERVER_NAME, Authority, certificates_in
from vigil.runtime.broker import Accounts, reload_broker
from vigil.runtime.certificates import days_left, names_of, utc
from vigil.runtime.clock import Clock, SystemClock
from vigil.runtime.config import Settings
from vigil.runtime.tls import explain

commands = typer.Typer(help="Certificates of the MQTT broker.", no_args_is_help=True)

#: Days that a certificate holds (ours): a CA ten years, what it signs 13 months.
CA_DAYS, DAYS = 3650, 397
#: With fewer days left it is time (ours).
SOON_DAYS = 30

#: For one connection of ``doctor`` (ours).
PROBE_S = 2.0

Days = Annotated[int, typer.Option(min=1, max=7300, help="How long it holds.")]


@commands.command("ca")
def ca(
    renew: Annotated[bool, typer.Option("--renew", help="Make a new one; the one before stays trusted.")] = False,
    forget_old: Annotated[bool, typer.Option("--forget-old", help="End the trust in the one before.")] = False,
    days: Days = CA_DAYS,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Make the authority that signs everything else, or change it for a new one in steps."""
    authority = _authority(config, data_dir)
    if forget_old:
        authority.forget_old()
    elif renew:
        authority.renew(days)
    else:
        authority.create(days)
    _tell_broker(authority)
    typer.echo(
        f"Give every client {authority.broker / CA_NAME}. Keep {authority.folder} secret: it signs in your name."
    )


@commands.command("server")
def server(
    name: Annotated[list[str], typer.Option(help="Host name or address by which clients reach the broker; repeat it.")],
    days: Days = DAYS,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Issue the broker's certificate, for the first time or anew; connections that are open stay."""
    authority = _authority(config, data_dir)
    authority.server(name, days)
    _tell_broker(authority)
    typer.echo(f"The broker's certificate is for {', '.join(name)} and holds {days} days.")


@commands.command("device")
def device(
    device_id: Annotated[str, typer.Argument(help="Device or gateway; its name at the broker.")],
    days: Days = DAYS,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Issue a client certificate, for the broker's port that asks for one instead of a password."""
    issued = _authority(config, data_dir).client(device_id, days)
    typer.echo(f"{issued.certificate} and its key {issued.key}: move both to the device.")


@commands.command("revoke")
def revoke(
    device_id: Annotated[str, typer.Argument(help="Whose certificates are good no more.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Refuse every certificate that this device has; it can no longer connect (one that is connected: restart the broker)."""
    authority = _authority(config, data_dir)
    count = authority.revoke(device_id)
    _tell_broker(authority)
    typer.echo(f"{count} revoked. A connection that is open stays until the broker is started again.")


@commands.command("show")
def show(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Say whom each certificate is for and how long it holds; exit code 1 when one has run out or cannot be read."""
    good = True
    for name, ok, detail, todo in certificates(settings(config, data_dir), SystemClock()):
        good = good and ok
        typer.echo(" ".join(filter(None, [f"{name}:", "" if ok else "WRONG:", f"{detail}.", todo])))
    raise typer.Exit(0 if good else 1)


def certificates(chosen: Settings, clock: Clock) -> Iterator[tuple[str, bool, str, str]]:
    """Of the broker and its clients as far as they are here: (file, is good, for whom and how long, what to do)."""
    broker, now = chosen.data_dir / "broker", utc(clock.now_us())
    paths = [broker / CA_NAME, broker / SERVER_NAME, chosen.broker.ca_file, chosen.broker.cert_file]
    clients = sorted((chosen.data_dir / "tls" / "clients").glob("*.crt"))
    found = dict.fromkeys(path.resolve() for path in [*paths, *clients] if path is not None and path.exists())
    for path in found:
        try:
            held = certificates_in(path)
        except ConfigError as error:
            yield path.name, False, str(error), "issue a new one, or bring it back"
            continue
        for certificate in held:
            left = days_left(certificate, now)
            todo = "" if left > SOON_DAYS else "issue a new one (docs/tls.md)"
            yield path.name, left >= 0, f"{', '.join(names_of(certificate))}: {left} days left", todo


def tls_trouble(chosen: Settings, host: str, port: int) -> str:
    """What to do about a broker with which no TLS comes about; empty when it does, or none is asked for."""
    trust = chosen.broker.trust
    if trust is None:
        return ""
    try:
        with (
            socket.create_connection((host, port), PROBE_S) as plain,
            trust.context().wrap_socket(plain, server_hostname=host),
        ):
            return ""
    except (OSError, ConfigError) as error:
        return explain(error)


def _authority(config: Path | None, data_dir: Path | None) -> Authority:
    return Authority(settings(config, data_dir).data_dir, SystemClock())


def _tell_broker(authority: Authority) -> None:
    """One on another machine or in another container looks by itself (deploy/mosquitto/run.sh), or has to be told there."""
    if reload_broker(Accounts(authority.broker.parent)):
        typer.echo("The broker that runs here has been told.")


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="tls")
