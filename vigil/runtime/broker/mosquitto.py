"""The mosquitto broker: where it is, its configuration, its command line, and how to tell it about new accounts.

Written for and tested with 2.0.11 (Debian). Without TLS it listens on the loopback only; for devices outside this machine
there is TLS, and then no port without it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vigil.domain.errors import BrokerError, ConfigError
from vigil.runtime.broker.accounts import Accounts

_EXTRA_PATH = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/local/opt/mosquitto/sbin"
CONFIG_NAME = "mosquitto.conf"
PID_NAME = "mosquitto.pid"


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """Bytes, all of them ours (assumed, not measured).

    A pack is at most 64 KiB (wire_formats.md section 8). The broker lets twice that through, so that ingest can keep
    a pack that is a little too large as a dead letter with its reason and acknowledge it: a broker cannot, and the
    sender would send it again for ever. Above ``payload`` the broker drops the message, with a PUBACK that tells an
    MQTT 3.1.1 sender nothing and an MQTT 5 one 0x95 (paho does not accept that code there and hangs up); above
    ``packet`` it ends the connection.

    ``queue_per_client`` is one line for everybody's packs to the core, first come first served; who floods it gets one of his own
    (decision 0058). What does not fit is dropped, and sent again until ``cmd/ack`` (decision 0005).
    """

    payload: int = 128 * 1024
    packet: int = 1024 * 1024
    queue_per_client: int = 16 * 1024 * 1024
    memory: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TlsListeners:
    """For devices outside this machine. ``port``: with a password each. ``certificates_port``: with a client certificate each,
    whose common name is the user name; 0 = none. ``address`` of this machine; empty = all of them."""

    port: int
    certificates_port: int = 0
    address: str = ""


#: By TLS 1.2 only what keeps past traffic secret when a key is lost, with ciphers that also authenticate; 1.3 has no others.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
#: Connections of one listener (ours): each costs memory before anybody has logged in.
MOST_CONNECTIONS = 20_000


def find_mosquitto(path: str | None = None) -> Path | None:
    """The broker's program on ``path`` (default: PATH) or where it is otherwise kept.

    Debian puts it in /usr/sbin, which is often not on a user's PATH.
    """
    found = shutil.which("mosquitto", path=path) or shutil.which("mosquitto", path=_EXTRA_PATH)
    return Path(found) if found else None


def write_config(
    accounts: Accounts, port: int, limits: BrokerLimits | None = None, tls: TlsListeners | None = None
) -> Path:
    """Write ``mosquitto.conf`` beside the account files, creating those too if there are none yet."""
    limits = limits or BrokerLimits()
    with accounts.edit():
        pass
    directory = accounts.directory.resolve()
    text = render_config(directory, port, limits, tls)
    path = directory / CONFIG_NAME
    try:
        path.write_text(text)
    except OSError as error:
        raise BrokerError(f"cannot write {CONFIG_NAME}: {error.strerror}") from error
    return path


def render_config(directory: Path, port: int, limits: BrokerLimits, tls: TlsListeners | None = None) -> str:
    """``port`` is the one on the loopback without TLS, which there is only without ``tls``."""
    if any(not character.isprintable() for character in str(directory)):
        raise ConfigError("the data directory's name holds a control character, which mosquitto.conf cannot express")
    settings: list[tuple[str, object]] = [
        *([("listener", f"{port} 127.0.0.1"), *_IDENTITY] if tls is None else _tls_listeners(directory, tls)),
        ("allow_anonymous", "false"),
        ("password_file", directory / "passwd"),
        ("acl_file", directory / "acl"),
        ("persistence", "true"),
        ("persistence_location", f"{directory}/"),
        # Writing the database blocks the broker. What a crash loses between two writes is sent again (cmd/ack).
        ("autosave_interval", 300),
        ("autosave_on_changes", "false"),
        # No limit by number: mosquitto drops what is over 1,000 queued. The limits are in bytes. Not 0 ("no limit") for
        # the queue: 2.0.11 then ends the connection of a client after any PUBLISH that it refuses (measured).
        ("max_inflight_messages", 0),
        ("max_queued_messages", 1_000_000_000),
        ("max_queued_bytes", limits.queue_per_client),
        ("memory_limit", limits.memory),
        ("message_size_limit", limits.payload),
        ("max_packet_size", limits.packet),
        # No persistent_client_expiration: with it a changed password of an absent client may crash 2.0.11 (decision 0005).
        ("set_tcp_nodelay", "true"),
        ("pid_file", directory / PID_NAME),
        # stderr is unbuffered. These types carry client ids and errors, never topics or payloads ("debug" would).
        ("log_dest", "stderr"),
        # The core hears so that two clients share one account (takeovers.py); only its account may read that topic.
        ("log_dest", "topic"),
        ("log_type", "error"),
        ("log_type", "warning"),
        ("log_type", "notice"),
        ("log_timestamp", "false"),
    ]
    if os.geteuid() == 0:
        # Started by root, mosquitto would become user "mosquitto", who cannot read files of mode 0600 that belong to
        # root or write beside them. (A change of user would also undo the leash of runtime/leash.py.)
        settings.append(("user", pwd.getpwuid(0).pw_name))
    return "# Written by Vigil at each start; do not edit.\n" + "".join(f"{key} {value}\n" for key, value in settings)


#: Applies to the listener before it. See acl.py for why: it makes client id = user name = device id.
_IDENTITY: list[tuple[str, object]] = [("use_username_as_clientid", "true")]


def _tls_listeners(directory: Path, tls: TlsListeners) -> list[tuple[str, object]]:
    with_passwords = [*_tls_listener(directory, tls.port, tls.address), *_IDENTITY]
    if not tls.certificates_port:
        return with_passwords
    return [
        *with_passwords,
        *_tls_listener(directory, tls.certificates_port, tls.address),
        ("cafile", directory / "ca.crt"),
        *([("crlfile", directory / "crl.pem")] if (directory / "crl.pem").exists() else []),
        ("require_certificate", "true"),
        ("use_identity_as_username", "true"),
        *_IDENTITY,
    ]


def _tls_listener(directory: Path, port: int, address: str) -> list[tuple[str, object]]:
    return [
        ("listener", f"{port} {address}".rstrip()),
        ("max_connections", MOST_CONNECTIONS),
        ("certfile", directory / "server.crt"),
        ("keyfile", directory / "server.key"),
        ("tls_version", "tlsv1.2"),  # and 1.3: this names the oldest one
        ("ciphers", CIPHERS),
    ]


#: mosquitto 2.0.11 writes its pid file first and catches SIGHUP last: told of accounts in between, it would end (decision 0005).
_DEAF_WHILE_IT_STARTS = ("/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh")


def mosquitto_argv(program: Path, config: Path) -> list[str]:
    return [*_DEAF_WHILE_IT_STARTS, str(program), "-c", str(config)]


def running_pid(directory: Path) -> int | None:
    """The process id of the mosquitto that runs with this directory, or None.

    A pid file outlives a ``kill -9``, and its number may belong to another program by now: the name is checked.
    """
    try:
        pid = int((directory / PID_NAME).read_text())
    except (OSError, ValueError):
        return None
    return pid if pid > 1 and _program_name(pid) == "mosquitto" else None


def _program_name(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        pass  # no such process, or no /proc (macOS)
    try:
        shown = subprocess.run(
            ["ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(shown.stdout.strip()).name or None


def reload(pid: int) -> None:
    """Make mosquitto read the account files again; it also ends connections whose account is gone or changed."""
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError as error:
        raise BrokerError("mosquitto is not running, so it cannot be told about changed accounts") from error
    except PermissionError as error:
        raise BrokerError("mosquitto runs as another user, so it cannot be told about changed accounts") from error
