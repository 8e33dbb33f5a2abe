"""A real TCP line between browser and product that a test can freeze (bytes stop, nothing closes) or cut."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

SERVER_AT = re.compile(rb'(?<="server_at":")[-0-9T:.]+(?=Z")')


class Wire:
    """Forwards 127.0.0.1:``port`` to the product, one thread a connection."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        #: By this much the server's clock is another one in what the browser is told.
        self.set_by = timedelta()
        self.port: int = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self._cut = threading.Event()
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def freeze(self) -> None:
        self._flowing.clear()

    def cut(self) -> None:
        """Closes all connections and refuses new ones."""
        self._cut.set()
        with self._lock:
            held = list(self._open)
        for each in held:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        self._cut.clear()
        self._flowing.set()

    def lead_to(self, port: int) -> None:
        """New connections go there: the product was started anew."""
        self._target = (self._target[0], port)

    def close(self) -> None:
        self._stopped.set()
        self._flowing.set()
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._cut.is_set():
                near.close()
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, contextlib.suppress(OSError):
            for source, data in self._pieces(near, far):
                if source is near:
                    far.sendall(data)
                else:
                    near.sendall(SERVER_AT.sub(self._set, data) if self.set_by else data)
        with self._lock:
            self._open -= {near, far}

    def _set(self, at: re.Match[bytes]) -> bytes:
        """As long as before: the length of an answer is said before it."""
        other = datetime.fromisoformat(at[0].decode()) + self.set_by
        return other.isoformat(timespec="microseconds").encode()[: len(at[0])]

    def _pieces(self, near: socket.socket, far: socket.socket) -> Iterator[tuple[socket.socket, bytes]]:
        while not self._stopped.is_set():
            ready, _, _ = select.select([near, far], [], [], 0.5)
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                self._flowing.wait()
                yield source, data
