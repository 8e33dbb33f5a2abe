"""An end to connections that go on for ever: a time-out counts silence, and who says a little now and then is never silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any


class Cut:
    """In a ``with`` block: after ``after_s`` seconds shuts the connection that ``trace`` (an extension of httpx) has seen, so
    that its reader wakes with an error."""

    def __init__(self, after_s: float) -> None:
        self.done = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(after_s, self._shut)
        self._timer.daemon = True

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")

    def __enter__(self) -> Cut:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _shut(self) -> None:
        self.done = True
        if self._socket is not None:
            # Not the method of a TLS socket, which another thread must not use while one is reading.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
