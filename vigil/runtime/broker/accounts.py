"""The broker's accounts: one password per device, gateway and service, kept only as hashes in mosquitto's own files.

``<data_dir>/broker/passwd`` is a mosquitto ``password_file``, ``acl`` an ``acl_file``; both brokers read them. Every
change locks the directory, reads both files, and replaces them atomically, so that two processes (the core and a
command-line tool) can change accounts at the same time and a crash leaves the old or the new file, never half of one.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vigil.domain.errors import BrokerError, InvalidInput
from vigil.domain.people import is_device_id
from vigil.runtime.broker.acl import BROKER_LOG, INGEST, INGEST_APART, Access, parse_acl, render_acl
from vigil.runtime.files import whole

GATEWAY_PREFIX = "g-"
SERVICES = frozenset({INGEST, INGEST_APART, BROKER_LOG})
_GATEWAY_TOPIC = re.compile(r"rpm/v1/\+/d/([^/]+)/state")
_APART_TOPIC = re.compile(r"rpm/v1/\+/d/([^/]+)/tel/#")

#: mosquitto 2.0's own number. It is low for passwords that people choose; ours hold 256 random bits, which no
#: number of iterations could make easier or harder to guess, and a ward of devices reconnects at once after an outage.
_ITERATIONS = 101
_SALT_BYTES = 12
_MAX_PASSWORD_BYTES = 65_535  # MQTT: a string with a two-byte length


def device_name(name: str) -> str:
    """The name if it may be a device's user name, client id and topic level; ``InvalidInput`` otherwise."""
    if not is_device_id(name):
        raise InvalidInput("a device id is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit")
    if name.startswith(GATEWAY_PREFIX) or name in SERVICES:
        core = ", ".join(sorted(SERVICES))
        raise InvalidInput(f"device id {name} is reserved: {GATEWAY_PREFIX}... are gateways, {core} are the core")
    return name


def gateway_name(name: str) -> str:
    if not is_device_id(name) or not name.startswith(GATEWAY_PREFIX) or name == GATEWAY_PREFIX:
        raise InvalidInput(f"a gateway id starts with {GATEWAY_PREFIX} and goes on with A-Z a-z 0-9 . _ -")
    return name


def new_password() -> str:
    return secrets.token_urlsafe(32)


def hash_password(password: str, salt: bytes | None = None) -> str:
    """``$7$<iterations>$<salt>$<hash>``: PBKDF2 with HMAC-SHA512, as ``mosquitto_passwd`` writes it."""
    raw = password.encode()
    if not 0 < len(raw) <= _MAX_PASSWORD_BYTES:
        raise InvalidInput("a broker password is 1 to 65535 bytes long")
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", raw, salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${_base64(salt)}${_base64(digest)}"


def verify_password(hashed: str, password: str) -> bool:
    try:
        _, kind, iterations, salt, digest = hashed.split("$")
        expected = base64.b64decode(digest, validate=True)
        found = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt), int(iterations))
    except ValueError:  # a damaged line lets nobody in; binascii.Error is one of these
        return False
    return kind == "7" and hmac.compare_digest(found, expected)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


@dataclass(slots=True)
class AccountBook:
    """The accounts in memory while they are changed inside ``Accounts.edit``. ``apart``: devices whose telemetry goes to the
    core's second line."""

    hashes: dict[str, str] = field(default_factory=dict)
    gateways: dict[str, tuple[str, ...]] = field(default_factory=dict)
    apart: tuple[str, ...] = ()

    def issue_device(self, device_id: str) -> str:
        """A new password for the device, returned this once only; an older one stops working."""
        password = new_password()
        self.set_device(device_id, password)
        return password

    def set_device(self, device_id: str, password: str) -> None:
        self.hashes[device_name(device_id)] = hash_password(password)

    def set_gateway(self, gateway_id: str, password: str, devices: Iterable[str]) -> None:
        hashed = hash_password(password)
        self.set_gateway_devices(gateway_id, devices)
        self.hashes[gateway_id] = hashed

    def set_gateway_devices(self, gateway_id: str, devices: Iterable[str]) -> None:
        """Replace the list of devices for which the gateway may speak; its password stays."""
        self.gateways[gateway_name(gateway_id)] = tuple(sorted({device_name(device) for device in devices}))

    def set_apart(self, devices: Iterable[str]) -> None:
        self.apart = tuple(sorted({device_name(device) for device in devices}))

    def set_service(self, name: str, password: str) -> None:
        """The core's two lines have one password."""
        if name not in SERVICES:
            raise InvalidInput(f"no such broker service; there is: {', '.join(sorted(SERVICES))}")
        for account in (INGEST, INGEST_APART) if name == INGEST else (name,):
            self.hashes[account] = hash_password(password)

    def remove(self, name: str) -> None:
        self.hashes.pop(name, None)
        self.gateways.pop(name, None)


class Accounts:
    """The account files of one data directory.

    Changing accounts does not tell a running mosquitto: call ``reload_broker`` after it. The embedded broker
    notices by itself. Methods raise ``InvalidInput`` for a bad name or password, ``BrokerError`` for the files.
    """

    def __init__(self, data_dir: Path) -> None:
        self.directory = data_dir / "broker"
        self.passwd_path = self.directory / "passwd"
        self.acl_path = self.directory / "acl"

    @contextmanager
    def edit(self) -> Iterator[AccountBook]:
        """Change any number of accounts with one write; an exception inside leaves the files as they were."""
        with self._locked():
            book = self.read()
            before = (dict(book.hashes), dict(book.gateways), book.apart)
            yield book
            if (book.hashes, book.gateways, book.apart) != before or not self.passwd_path.exists():
                self._write(book)

    def issue_device(self, device_id: str) -> str:
        with self.edit() as book:
            return book.issue_device(device_id)

    def set_device(self, device_id: str, password: str) -> None:
        with self.edit() as book:
            book.set_device(device_id, password)

    def set_gateway(self, gateway_id: str, password: str, devices: Iterable[str]) -> None:
        with self.edit() as book:
            book.set_gateway(gateway_id, password, devices)

    def set_gateway_devices(self, gateway_id: str, devices: Iterable[str]) -> None:
        with self.edit() as book:
            book.set_gateway_devices(gateway_id, devices)

    def set_service(self, name: str, password: str) -> None:
        with self.edit() as book:
            book.set_service(name, password)

    def remove(self, name: str) -> None:
        with self.edit() as book:
            book.remove(name)

    def verify(self, name: str, password: str) -> bool:
        hashed = self.read().hashes.get(name)
        return hashed is not None and verify_password(hashed, password)

    def read(self) -> AccountBook:
        try:
            hashes = read_hashes(self.passwd_path)
            acl = parse_acl(self.acl_path.read_text()) if self.acl_path.exists() else None
        except OSError as error:
            raise BrokerError(f"cannot read the broker's accounts: {error.strerror}") from error
        book = AccountBook(hashes)
        for user, rules in acl.users.items() if acl is not None else ():
            if user.startswith(GATEWAY_PREFIX):
                found = (_GATEWAY_TOPIC.fullmatch(rule.topic) for rule in rules)
                book.gateways[user] = tuple(match[1] for match in found if match)
            elif user == INGEST:
                denied = (_APART_TOPIC.fullmatch(rule.topic) for rule in rules if rule.access is Access.DENY)
                book.apart = tuple(match[1] for match in denied if match)
        return book

    def _write(self, book: AccountBook) -> None:
        lines = "".join(f"{name}:{hashed}\n" for name, hashed in sorted(book.hashes.items()))
        try:
            # Rights before passwords: a crash between the two leaves rights that nobody can log in to use.
            _replace(self.acl_path, render_acl(dict(sorted(book.gateways.items())), book.apart))
            _replace(self.passwd_path, lines)
        except OSError as error:
            raise BrokerError(f"cannot write the broker's accounts: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise BrokerError(f"cannot open the broker's directory: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def read_hashes(passwd_path: Path) -> dict[str, str]:
    """User name to hash; an absent file has no users. ``OSError`` if it cannot be read."""
    if not passwd_path.exists():
        return {}
    pairs = (line.partition(":") for line in passwd_path.read_text().splitlines())
    return {name: hashed for name, _, hashed in pairs if hashed}


def _replace(path: Path, text: str) -> None:
    with whole(path, 0o600) as file:
        file.write(text.encode())
