"""A server that answers as it is told, for the answers that a real one gives only on bad days."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Told:
    """``hold``: it does not answer before the block ends."""

    status: int = 204
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    hold: bool = False


class FakeInflux:
    """``answers`` are given in order, the last one for ever; ``requests`` are (method, path with query, body)."""

    def __init__(self, *answers: Told) -> None:
        self.answers = list(answers) or [Told()]
        self.requests: list[tuple[str, str, str]] = []
        self.authorization, self.packed = "", False
        self.released = threading.Event()
        self.url = ""

    def next(self) -> Told:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @contextmanager
    def running(self) -> Iterator[FakeInflux]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                packed = fake.packed = self.headers.get("Content-Encoding") == "gzip"
                fake.requests.append((self.command, self.path, (gzip.decompress(body) if packed else body).decode()))
                fake.authorization = self.headers.get("Authorization") or ""
                told = fake.next()
                if told.hold:
                    fake.released.wait(20)
                    self.close_connection = True
                    return
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                if told.status != 204:
                    self.send_header("Content-Length", str(len(told.body.encode())))
                self.end_headers()
                self.wfile.write(told.body.encode())

            do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, format: str, *args: object) -> None:
                """Not on the screen."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()
            thread.join(20)
