"""Notices, certificates and a mail relay for the tests of the channels."""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from analytics.notify.channel import Message
from tests.conformance.stores.given import T0, alert, opened
from vigil.domain.alerts import Transition
from vigil.domain.deliveries import Delivery, State

#: What no insecure channel may carry.
DETAILS = ("p-1", "spo2", "Oxygen", "87 %", "medium", "physiological", "w-1")


def notice(line: Transition | None = None, person: str = "Li Na", page: str = "https://vigil.example") -> Message:
    told = line or opened(alert(deadline_at=T0 + 600_000_000))
    delivery = Delivery(
        "d-0123456789abcdef01234567", 7, told.after.alert_id, "hook", person, State.QUEUED, 0, T0, "", T0
    )
    return Message(delivery, told, page=page)


def certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate of ``host`` signed by itself: the file to trust, and the server's side."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    names = [x509.IPAddress(ipaddress.ip_address(host))] if host[0].isdigit() else [x509.DNSName(host)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / f"{host}.pem", folder / f"{host}.key"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return trusted, context


#: What a relay says to each command when nothing is wrong.
REPLIES = {
    "EHLO": "250-relay\r\n250-AUTH PLAIN\r\n250 STARTTLS",
    "STARTTLS": "220 go on",
    "AUTH": "235 welcome",
    "DATA": "354 go on",
    "QUIT": "221 bye",
}


@dataclass
class Relay:
    """A mail relay that keeps what it takes. ``codes``: command to the reply that it gives instead of its usual one; ``.`` is the
    end of a mail."""

    codes: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    mails: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def listening(self) -> Iterator[Relay]:
        relay = self

        class Session(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connection = relay.greet(self.request)
                if connection is not None:
                    with connection:
                        relay.serve(connection)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
            self.port = int(server.server_address[1])
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def greet(self, plain: socket.socket) -> socket.socket | None:
        """The connection that mail comes over; None when the client left before. RFC 5321 as far as smtplib speaks it."""
        plain.sendall(b"220 relay\r\n")
        if self.tls is None:
            return plain
        with plain.makefile("rb") as lines:
            while self._reply(plain, lines.readline()) not in ("STARTTLS", ""):
                pass
        try:
            return self.tls.wrap_socket(plain, server_side=True)
        except OSError:
            return None

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            while verb := self._reply(connection, lines.readline()):
                if verb == "DATA":
                    self._take(lines)
                    self._say(connection, ".", "250 taken")

    def _reply(self, connection: socket.socket, line: bytes) -> str:
        """The command answered; empty at the end."""
        command = line.decode().strip()
        if not command:
            return ""
        verb = command.split(" ")[0].upper()
        self.commands.append(command)
        self._say(connection, verb, REPLIES.get(verb, "250 ok"))
        return verb

    def _say(self, connection: socket.socket, verb: str, usual: str) -> None:
        connection.sendall(f"{self.codes.get(verb, usual)}\r\n".encode())

    def _take(self, lines: BinaryIO) -> None:
        mail = b""
        while (part := lines.readline()) not in (b".\r\n", b""):
            mail += part
        if "." not in self.codes:
            self.mails.append(mail)
