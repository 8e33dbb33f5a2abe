"""X.509 certificates of an installation's own authority (CA): made in memory, from keys and a time; nothing here touches a file.

Keys are ECDSA on P-256, which every TLS library since 1.2 has, microcontrollers' included.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vigil.domain.errors import ConfigError, InvalidInput

#: A certificate holds from a little before it was made (ours): the clock of a device may be behind.
EARLIER = timedelta(hours=1)
_LONGEST_COMMON_NAME = 64  # RFC 5280, upper bound
_LONGEST_HOST = 253


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def read_pair(certificate: bytes, key: bytes) -> Pair:
    """Raises ``ConfigError`` for what is not ours."""
    try:
        found = serialization.load_pem_private_key(key, None)
        pair = x509.load_pem_x509_certificate(certificate)
    except (ValueError, TypeError) as error:
        raise ConfigError("the CA's certificate or key is damaged") from error
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.public_key() != pair.public_key():
        raise ConfigError("the CA's key does not belong to its certificate")
    return Pair(pair, found)


def make_ca(now: datetime, days: int) -> Pair:
    """Its name holds a part of its serial number, so that two of one installation can be told apart."""
    key, serial = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
    name = _name(f"Vigil CA {now:%Y-%m-%d} {serial & 0xFFFFFFFF:08x}")
    builder = _builder(name, name, key, serial, now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def issue_server(ca: Pair, names: Sequence[str], now: datetime, days: int) -> Pair:
    """For a broker that is reached by these names or addresses. Raises ``InvalidInput`` for what is neither."""
    if not names:
        raise InvalidInput("name the host by which the broker is reached")
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
    return _issue(ca, names[0], ExtendedKeyUsageOID.SERVER_AUTH, now, days, alternatives)


def issue_client(ca: Pair, name: str, now: datetime, days: int) -> Pair:
    """``name`` becomes the user name at the broker."""
    return _issue(ca, name, ExtendedKeyUsageOID.CLIENT_AUTH, now, days, None)


def revocations(ca: Pair, revoked: Iterable[tuple[int, datetime]], now: datetime) -> bytes:
    """A list (PEM) of serial numbers with their times. It holds as long as its CA: a broker refuses everybody by a list that has
    run out, which is worse than one that nobody had to renew."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.certificate.subject)
    builder = builder.last_update(now - EARLIER).next_update(ca.certificate.not_valid_after_utc)
    for serial, at in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def names_of(certificate: x509.Certificate) -> list[str]:
    """The host names and addresses in it; its own name when there are none."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [str(part.value) for part in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def days_left(certificate: x509.Certificate, now: datetime) -> int:
    """Whole days; negative from the moment it has run out."""
    return (certificate.not_valid_after_utc - now) // timedelta(days=1)


def utc(us: int) -> datetime:
    return datetime.fromtimestamp(us // 1_000_000, UTC)


def _issue(
    ca: Pair,
    name: str,
    use: x509.ObjectIdentifier,
    now: datetime,
    days: int,
    alternatives: x509.SubjectAlternativeName | None,
) -> Pair:
    if now + timedelta(days=days) > ca.certificate.not_valid_after_utc:
        raise InvalidInput("it would hold longer than the CA: ask for fewer days, or renew the CA first")
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    builder = _builder(_name(name[:_LONGEST_COMMON_NAME]), ca.certificate.subject, key, serial, now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    issuer = ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False
    )
    if alternatives is not None:
        builder = builder.add_extension(alternatives, critical=False)
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, serial: int, now: datetime, days: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(serial).not_valid_before(now - EARLIER)
    builder = builder.not_valid_after(now + timedelta(days=days))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.split(".")
    good = all(label and label.replace("-", "a").isalnum() and label.isascii() for label in labels)
    if not good or len(name) > _LONGEST_HOST:
        raise InvalidInput(f"{name[:80]!r} is neither a host name nor an address")
    return x509.DNSName(name)
