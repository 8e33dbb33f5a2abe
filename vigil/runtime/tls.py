"""TLS to the broker: whom our clients trust, and what a failed handshake means, in words that say what to do."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from vigil.domain.errors import ConfigError

#: What OpenSSL says, in part and in small letters, and what it means here.
_WORDS = (
    ("certificate has expired", "its certificate has expired: issue a new one with vigil tls server"),
    ("certificate is not yet valid", "its certificate is not valid yet: compare the clocks of both machines"),
    ("mismatch", "its certificate is for another name: use a name that stands in it, or issue one for this name too"),
    ("local issuer", "its certificate is signed by a CA that is not in broker.ca_file: copy the broker's ca.crt there"),
    ("self-signed", "its certificate is signed by a CA that is not in broker.ca_file: copy the broker's ca.crt there"),
    ("wrong version number", "no TLS is spoken at that port: name the TLS port, or leave broker.ca_file out"),
    ("eof occurred", "it closed the connection before TLS began: name the TLS port, or leave broker.ca_file out"),
    ("alert certificate required", "it asks for a certificate of ours: set broker.cert_file and broker.key_file"),
    ("alert certificate expired", "it refuses our certificate, which has expired: issue one with vigil tls device"),
    ("alert certificate revoked", "it refuses our certificate, which was revoked: issue one with vigil tls device"),
    ("alert unknown ca", "it does not know the CA that signed our certificate: issue one with vigil tls device"),
    ("alert protocol version", "it speaks no TLS from 1.2 on: bring it up to date"),
    ("unsupported protocol", "it speaks no TLS from 1.2 on: bring it up to date"),
)


def explain(error: BaseException | str) -> str:
    """What to do about a connection by TLS that failed; the error's own words where there are no better ones.

    >>> explain("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    'no TLS is spoken at that port: name the TLS port, or leave broker.ca_file out'
    """
    said = str(error)
    return next((words for part, words in _WORDS if part in said.lower()), said)


@dataclass(frozen=True, slots=True)
class Trust:
    """``ca_file``: the certificates (PEM) of which one must have signed the broker's. ``cert_file`` and ``key_file``: this
    client's own certificate, for a broker that asks for one."""

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Raises ``ConfigError`` for a file that cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Closing
        self.read_into(context)
        return context

    def read_into(self, context: ssl.SSLContext) -> None:
        """Also for a context in use: a CA or certificate that was renewed meanwhile counts from the next connection on. A CA that
        was taken out of the file is trusted until this process ends. Raises ``ConfigError``."""
        try:
            context.load_verify_locations(self.ca_file)
        except OSError as error:
            raise ConfigError(f"broker.ca_file {self.ca_file.name}: {_why(error)}") from error
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except OSError as error:
                raise ConfigError(f"broker.cert_file {self.cert_file.name} and its key: {_why(error)}") from error


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no certificate or key in PEM, or one that does not fit the other ({error.reason})"
    return error.strerror or type(error).__name__


class _Closing(ssl.SSLSocket):
    """paho forgets the socket of a handshake that failed: each try would leave one open until the garbage collector comes."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except ConnectionResetError as error:  # so a broker without TLS ends what it cannot read
            self.close()
            raise ssl.SSLEOFError("EOF occurred in the handshake") from error
        except OSError:
            self.close()
            raise


_TRUSTED: ContextVar[Trust | None] = ContextVar("trusted", default=None)


@contextmanager
def trusting(trust: Trust | None) -> Iterator[None]:
    """Whoever opens a connection inside, tasks started there included, does it by TLS (None = without): a stage that makes its
    log-ins from what the platform answered need not know the certificates of this machine."""
    token = _TRUSTED.set(trust)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def trusted() -> Trust | None:
    return _TRUSTED.get()
