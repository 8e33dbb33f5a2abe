"""Questions that a supervisor asks a child before it calls it ready; each answers within about a second."""

from __future__ import annotations

import http.client
import socket
import urllib.request
from collections.abc import Callable


def tcp_ready(port: int, host: str = "127.0.0.1") -> Callable[[], bool]:
    """A probe: does something accept connections there?"""

    def probe() -> bool:
        try:
            socket.create_connection((host, port), timeout=1.0).close()
        except OSError:
            return False
        return True

    return probe


def http_ready(url: str) -> Callable[[], bool]:
    """A probe: does this address answer 200?"""

    def probe() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=1.0) as answer:
                return bool(answer.status == http.client.OK)
        except (OSError, http.client.HTTPException):  # urllib.error.URLError is an OSError
            return False

    return probe
