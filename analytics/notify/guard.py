"""Which addresses a webhook may connect to. A name is looked up once and the checked address is connected to, so that a name that
answers differently the second time (DNS rebinding) gains nothing."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Host and port to numeric addresses; raises ``OSError``.
Resolve = Callable[[str, int], Sequence[str]]

#: Azure's metadata and management host has a public number; those of the other clouds are link-local or private.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
#: IPv6 addresses that a translator turns into IPv4 ones (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def permitted(host: str, port: int, allow_internal: bool, resolve: Resolve = look_up) -> list[str]:
    """Numeric addresses of ``host`` that may be connected to, none if all are internal. ``OSError``: it is unknown."""
    found = resolve(host, port)
    return [text for text in found if allow_internal or not is_internal(ipaddress.ip_address(text))]


def is_internal(address: Address) -> bool:
    """Loopback, private, link-local (metadata services), shared, multicast or reserved; also inside an IPv6 address that stands
    for an IPv4 one."""
    inner = _embedded(address)
    if inner is not None:
        return is_internal(inner)
    return not address.is_global or address.is_multicast or address in _METADATA


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
