"""The installation's own CA: what it makes, what it refuses, and each step of its rotation."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import DNSName
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from vigil.domain.errors import ConfigError, InvalidInput, NotFound
from vigil.runtime.authority import Authority, certificates_in
from vigil.runtime.certificates import days_left, names_of, utc
from vigil.runtime.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def authority(tmp_path: Path, clock: ManualClock) -> Authority:
    authority = Authority(tmp_path, clock)
    authority.create(365)
    return authority


def verify(authority: Authority, clock: ManualClock, host: str) -> None:
    """As a strict client would (RFC 5280), by another implementation than OpenSSL."""
    store = Store(certificates_in(authority.broker / "ca.crt"))
    verifier = PolicyBuilder().store(store).time(utc(clock.now_us())).build_server_verifier(DNSName(host))
    verifier.verify(certificates_in(authority.broker / "server.crt")[0], [])


def revoked(authority: Authority) -> set[int]:
    pem = (authority.broker / "crl.pem").read_bytes()
    lists = [
        x509.load_pem_x509_crl(part + b"-----END X509 CRL-----") for part in pem.split(b"-----END X509 CRL-----")[:-1]
    ]
    return {entry.serial_number for each in lists for entry in each}


def test_a_server_certificate_is_for_its_names_and_its_time(authority: Authority, clock: ManualClock) -> None:
    authority.server(["vigil.example", "192.0.2.7", "2001:db8::7"], 90)
    verify(authority, clock, "vigil.example")
    with pytest.raises(VerificationError):
        verify(authority, clock, "other.example")
    certificate = certificates_in(authority.broker / "server.crt")[0]
    assert names_of(certificate) == ["vigil.example", "192.0.2.7", "2001:db8::7"]
    assert days_left(certificate, utc(clock.now_us())) == 90
    clock.advance(timedelta(days=90, seconds=1).total_seconds())
    assert days_left(certificate, utc(clock.now_us())) == -1
    with pytest.raises(VerificationError):
        verify(authority, clock, "vigil.example")


def test_keys_are_for_nobody_else(authority: Authority) -> None:
    authority.server(["vigil.example"], 90)
    issued = authority.client("w-1", 30)
    for path in (authority.folder / "ca.key", authority.broker / "server.key", issued.key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(authority.folder.stat().st_mode) == 0o700
    assert not list(authority.folder.rglob("*.new"))


def test_a_client_certificate_says_who_and_is_no_servers(authority: Authority) -> None:
    certificate = certificates_in(authority.client("w-1", 30).certificate)[0]
    assert names_of(certificate) == ["w-1"]
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert names_of(certificates_in(authority.client("g-home", 30).certificate)[0]) == ["g-home"]


@pytest.mark.parametrize("name", ["", "ingest", "broker-log", "g-", "w/1", "+", "../ca", "w" * 65, "Ä-1"])
def test_nobody_gets_the_name_of_the_core_or_of_a_path(authority: Authority, name: str) -> None:
    with pytest.raises(InvalidInput):
        authority.client(name, 30)
    assert not (authority.folder / "clients").exists()


@pytest.mark.parametrize("name", ["", "a b", "a/b", "-\n", "a..b", "ä.example", "a" * 254])
def test_what_is_no_host_is_refused(authority: Authority, name: str) -> None:
    with pytest.raises(InvalidInput):
        authority.server([name], 30)
    with pytest.raises(InvalidInput):
        authority.server([], 30)
    assert not (authority.broker / "server.crt").exists()


def test_nothing_outlives_its_ca(authority: Authority) -> None:
    with pytest.raises(InvalidInput, match="longer than the CA"):
        authority.server(["vigil.example"], 366)


def test_a_rotation_has_one_way(authority: Authority, clock: ManualClock) -> None:
    authority.server(["vigil.example"], 30)
    with pytest.raises(ConfigError, match="there is a CA already"):
        authority.create(365)
    with pytest.raises(ConfigError, match="no older CA"):
        authority.forget_old()
    authority.renew(365)
    assert len(certificates_in(authority.broker / "ca.crt")) == 2
    verify(authority, clock, "vigil.example")  # the one of the old CA
    with pytest.raises(ConfigError, match="still trusted"):
        authority.renew(365)
    with pytest.raises(ConfigError, match="issue a new one first"):
        authority.forget_old()
    authority.server(["vigil.example"], 30)
    authority.forget_old()
    assert len(certificates_in(authority.broker / "ca.crt")) == 1
    verify(authority, clock, "vigil.example")
    authority.renew(365)  # and again


def test_revoking_reaches_every_certificate_of_a_name_and_of_both_cas(authority: Authority) -> None:
    first = certificates_in(authority.client("w-1", 30).certificate)[0].serial_number
    authority.renew(365)
    second = certificates_in(authority.client("w-1", 30).certificate)[0].serial_number
    other = certificates_in(authority.client("w-2", 30).certificate)[0].serial_number
    assert revoked(authority) == set()
    assert authority.revoke("w-1") == 2
    assert revoked(authority) == {first, second}
    with pytest.raises(NotFound):
        authority.revoke("w-1")
    authority.client("w-1", 30)
    assert authority.revoke("w-1") == 1
    assert other not in revoked(authority)


@pytest.mark.parametrize("damage", ["ca.key", "ca.crt", "issued.json"])
def test_a_damaged_authority_says_so(authority: Authority, damage: str) -> None:
    (authority.folder / damage).write_text("nonsense")
    with pytest.raises(ConfigError):
        authority.client("w-1", 30)


def test_the_key_of_another_ca_is_noticed(authority: Authority, tmp_path: Path, clock: ManualClock) -> None:
    other = Authority(tmp_path / "other", clock)
    other.create(365)
    (authority.folder / "ca.key").write_bytes((other.folder / "ca.key").read_bytes())
    with pytest.raises(ConfigError, match="does not belong"):
        authority.server(["vigil.example"], 30)


def test_without_a_ca_it_says_what_makes_one(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(ConfigError, match="vigil tls ca makes one"):
        Authority(tmp_path, clock).server(["vigil.example"], 30)
