"""Who drains a backlog: the broker's null subscriber, decoding alone, the whole core, and a pipeline as a textbook has it.

Everything is published before the clock runs. Connecting and starting are nobody's concern here: three are timed from their first
message to their last; the core is started, held still (SIGSTOP) while the broker fills, and timed from the moment it goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import threading
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiomqtt
import duckdb

from cli.bench.ingestion.backlog import Shape, open_session, publish, subscriber
from cli.bench.ingestion.site import HOST, TENANT, Site
from ingest.decode import decode
from vigil.domain.errors import SupervisionError
from vigil.runtime.broker import Accounts, reload_broker
from vigil.runtime.mqtt import Message
from vigil.wire import topics

#: A drain that moves nothing for so long has failed.
STUCK_S = 60.0
#: The core has loaded its libraries and kernels by then (measured: 4 s), and shows what it can do in the long run.
_SETTLED_S = 10.0
_LOOK_EVERY_S = 0.05
_STORED = re.compile(rb"^ingest_values_stored_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Drained:
    """``seconds`` for ``messages``; ``values``: what was stored, or would have been."""

    messages: int
    values: int
    seconds: float

    @property
    def message_rate(self) -> float:
        return self.messages / self.seconds

    @property
    def value_rate(self) -> float:
        return self.values / self.seconds


Waiting = Sequence[tuple[str, bytes]]


def null_subscriber(site: Site, shape: Shape, waiting: Waiting) -> Drained:
    """Takes and acknowledges each message, and looks at none."""
    return _read(site, shape, waiting, lambda _: None)


def decoder(site: Site, shape: Shape, waiting: Waiting) -> Drained:
    """Decodes each message and acknowledges it. Raises ``SupervisionError`` when one is refused."""

    def understand(message: Message) -> None:
        if decode(message).refusal is not None:
            raise SupervisionError("a message of the measurement was refused")

    return _read(site, shape, waiting, understand)


def _read(site: Site, shape: Shape, waiting: Waiting, act: Callable[[Message], None]) -> Drained:
    times, done = [0.0, 0.0], threading.Event()
    seen, count = 0, len(waiting)

    def take(message: Message) -> None:
        nonlocal seen
        if not seen:
            times[0] = site.clock.monotonic()
        act(message)
        reader.acknowledge(message)
        seen += 1
        if seen == count:
            times[1] = site.clock.monotonic()
            done.set()

    open_session(site)
    publish(site, waiting)
    reader = subscriber(site, take)
    reader.start()
    finished = done.wait(STUCK_S)
    reader.stop()
    if not finished:
        raise SupervisionError(f"only {seen} of {count} messages came")
    return Drained(count, count * shape.values, times[1] - times[0])


def core(site: Site, shape: Shape, waiting: Waiting) -> Drained:
    """The product as it ships: durable, de-duplicated, judged by every detector and score, acknowledged to the senders, served.

    Its metrics tell when the last value is stored. Raises ``SupervisionError``.
    """
    expected, clock = len(waiting) * shape.values, site.clock
    with site.core() as process:
        clock.sleep(_SETTLED_S)
        before = seen = _stored(site.url)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            publish(site, waiting)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        began = changed = clock.monotonic()
        while seen - before < expected:
            clock.sleep(_LOOK_EVERY_S)
            found, now = _stored(site.url), clock.monotonic()
            if found > seen:
                seen, changed = found, now
            elif now - changed > STUCK_S:
                raise SupervisionError(f"the core stored {seen - before} of {expected} values")
    _together(site)
    return Drained(len(waiting), expected, changed - began)


def _together(site: Site) -> None:
    """All telemetry comes by the first line again: the core gave a line of their own to those whose packs had waited."""
    accounts = Accounts(site.folder)
    with accounts.edit() as book:
        book.set_apart(())
    reload_broker(accounts)


def _stored(url: str) -> int:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        found = _STORED.search(answer.read())
    return int(float(found[1])) if found else 0


def textbook(site: Site, shape: Shape, waiting: Waiting) -> Drained:
    """aiomqtt, ``json``, one insert for each value into a table of the same database; nothing is checked and nobody told."""
    open_session(site)
    publish(site, waiting)
    return asyncio.run(_textbook(site, shape, len(waiting)))


async def _textbook(site: Site, shape: Shape, count: int) -> Drained:
    with duckdb.connect(str(site.folder / "textbook.duckdb")) as con:
        con.execute("CREATE TABLE IF NOT EXISTS readings (device VARCHAR, name VARCHAR, time DOUBLE, value DOUBLE)")
        client = aiomqtt.Client(
            HOST, site.broker_port, identifier="ingest", username="ingest", password=site.keys.ingest_password,
            clean_session=False,
        )  # fmt: skip
        began, seen = 0.0, 0
        async with client, asyncio.timeout(STUCK_S):
            await client.subscribe([(each, 1) for each in topics.telemetry_filters(TENANT)])
            async for message in client.messages:
                began = began or site.clock.monotonic()
                assert isinstance(message.payload, bytes)
                _insert(con, json.loads(message.payload))
                seen += 1
                if seen == count:
                    break
        return Drained(count, count * shape.values, site.clock.monotonic() - began)


def _insert(con: duckdb.DuckDBPyConnection, pack: list[dict[str, object]]) -> None:
    head = pack[0]
    base = head["bt"]
    assert isinstance(base, int | float)
    for record in pack:
        offset = record.get("t", 0)
        assert isinstance(offset, int | float)
        if record["n"] not in ("epoch", "seq"):
            row = [head["bn"], record["n"], base + offset, record["v"]]
            con.execute("INSERT INTO readings VALUES (?, ?, ?, ?)", row)
