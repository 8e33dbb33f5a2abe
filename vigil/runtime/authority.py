"""The installation's own certificate authority (CA): its files, and the steps of a rotation in which no client is shut out.

``<data_dir>/tls`` holds what only the authority needs (its keys, what it has issued), ``<data_dir>/broker`` what the broker
reads: ``ca.crt`` (every CA that is trusted now, for clients too), ``server.crt``, ``server.key``, ``crl.pem``. Whoever has
certificates of another authority puts them there and needs nothing of this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography import x509

from vigil.domain.errors import ConfigError, NotFound
from vigil.runtime.broker.accounts import GATEWAY_PREFIX, device_name, gateway_name
from vigil.runtime.certificates import (
    Pair,
    issue_client,
    issue_server,
    make_ca,
    read_pair,
    revocations,
    utc,
)
from vigil.runtime.clock import Clock
from vigil.runtime.files import whole

CA_NAME, SERVER_NAME, KEY_NAME, REVOKED_NAME = "ca.crt", "server.crt", "server.key", "crl.pem"
_SIGNING, _OLD = "ca", "old-ca"


class _Entry(msgspec.Struct):
    """A client's certificate in ``issued.json``. ``ca`` is the CA's serial number, a string as JSON's numbers are too short."""

    name: str
    serial: str
    ca: str
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """Where a client's certificate and key lie."""

    certificate: Path
    key: Path


class Authority:
    """Methods raise ``ConfigError`` for files, ``InvalidInput`` for names and days, ``NotFound`` for an unknown client. A running
    broker has to be told of every change (SIGHUP)."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self.folder = data_dir / "tls"
        self.broker = data_dir / "broker"
        self._clock = clock

    @property
    def exists(self) -> bool:
        return self._has(_SIGNING)

    def create(self, days: int) -> None:
        if self.exists or (self.broker / CA_NAME).exists():
            raise ConfigError("there is a CA already: vigil tls ca --renew makes a new one beside it")
        self._keep(_SIGNING, make_ca(utc(self._clock.now_us()), days))
        self._publish()

    def renew(self, days: int) -> None:
        """A new CA signs from now on; the old one is trusted until ``forget_old``."""
        if self._has(_OLD):
            raise ConfigError("the CA before this one is still trusted: end that change first (--forget-old)")
        self._keep(_OLD, self._pair(_SIGNING))
        self._keep(_SIGNING, make_ca(utc(self._clock.now_us()), days))
        self._publish()

    def forget_old(self) -> None:
        """What the old CA has signed is refused from now on."""
        if not self._has(_OLD):
            raise ConfigError("no older CA is trusted")
        server = self.broker / SERVER_NAME
        if server.exists() and certificates_in(server)[0].issuer != self._pair(_SIGNING).certificate.subject:
            raise ConfigError("the broker's certificate is of the old CA: issue a new one first (vigil tls server)")
        for ending in (".key", ".crt"):
            (self.folder / f"{_OLD}{ending}").unlink(missing_ok=True)
        self._publish()

    def server(self, names: Sequence[str], days: int) -> None:
        pair = issue_server(self._pair(_SIGNING), names, utc(self._clock.now_us()), days)
        _write(self.broker / KEY_NAME, pair.key_pem(), 0o600)
        _write(self.broker / SERVER_NAME, pair.certificate_pem(), 0o644)

    def client(self, name: str, days: int) -> Issued:
        """For a device or gateway. A certificate that it has already stays good until it ends or the name is revoked."""
        checked = gateway_name(name) if name.startswith(GATEWAY_PREFIX) else device_name(name)
        ca = self._pair(_SIGNING)
        pair = issue_client(ca, checked, utc(self._clock.now_us()), days)
        entry = _Entry(checked, str(pair.certificate.serial_number), str(ca.certificate.serial_number))
        self._write_index([*self._index(), entry])  # first: nothing may be out that could not be revoked
        issued = Issued(self.folder / "clients" / f"{checked}.crt", self.folder / "clients" / f"{checked}.key")
        _write(issued.key, pair.key_pem(), 0o600)
        _write(issued.certificate, pair.certificate_pem(), 0o644)
        return issued

    def revoke(self, name: str) -> int:
        """Every certificate of this name that was good until now; how many there were."""
        index = self._index()
        found = [entry for entry in index if entry.name == name and entry.revoked_at is None]
        if not found:
            raise NotFound(f"no certificate of {name[:80]} is good")
        for entry in found:
            entry.revoked_at = self._clock.now_us()
        self._write_index(index)
        self._publish()
        return len(found)

    def _publish(self) -> None:
        """What the broker reads: the trusted certificates, and of each of them the list of what it has revoked."""
        trusted = [self._pair(name) for name in (_SIGNING, _OLD) if self._has(name)]
        _write(self.broker / REVOKED_NAME, b"".join(self._revocations(ca) for ca in trusted), 0o644)
        _write(self.broker / CA_NAME, b"".join(ca.certificate_pem() for ca in trusted), 0o644)

    def _revocations(self, ca: Pair) -> bytes:
        serial = str(ca.certificate.serial_number)
        revoked = [
            (int(entry.serial), utc(entry.revoked_at))
            for entry in self._index()
            if entry.ca == serial and entry.revoked_at is not None
        ]
        return revocations(ca, revoked, utc(self._clock.now_us()))

    def _index(self) -> list[_Entry]:
        path = self.folder / "issued.json"
        if not path.exists():
            return []
        try:
            return msgspec.json.decode(_read(path), type=list[_Entry])
        except msgspec.MsgspecError as error:
            raise ConfigError(f"{path.name} is damaged: bring it back from a backup") from error

    def _write_index(self, entries: list[_Entry]) -> None:
        _write(self.folder / "issued.json", msgspec.json.encode(entries), 0o600)

    def _has(self, name: str) -> bool:
        return (self.folder / f"{name}.key").exists()

    def _pair(self, name: str) -> Pair:
        if not self._has(name):
            raise ConfigError("there is no CA here: vigil tls ca makes one")
        return read_pair(_read(self.folder / f"{name}.crt"), _read(self.folder / f"{name}.key"))

    def _keep(self, name: str, pair: Pair) -> None:
        _write(self.folder / f"{name}.crt", pair.certificate_pem(), 0o644)
        _write(self.folder / f"{name}.key", pair.key_pem(), 0o600)


def certificates_in(path: Path) -> list[x509.Certificate]:
    """Raises ``ConfigError``."""
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError as error:
        raise ConfigError(f"{path.name}: no certificate in PEM") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path.name}: {error.strerror}") from error


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole(path, mode) as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(f"cannot write {path.name}: {error.strerror}") from error
