"""Sensors that send all the while: packs made before the clock runs, sent by a thread when each is due."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cli.bench.ingestion.backlog import BATCHED, messages, publisher, records
from cli.bench.ingestion.site import TENANT, Site
from vigil.domain.errors import BrokerError
from vigil.domain.times import SECOND
from vigil.wire import packs, topics

#: A sender that is later than this sends less than was said.
_LATE_S = 1.0

#: Topic and payload of each message, in turn, and seconds between two of them.
Sent = tuple[list[tuple[str, bytes]], float]


def in_tens(site: Site, devices: Sequence[str], seconds: float) -> Sent:
    """Of each device ten readings of six vitals every ten seconds, for so long at least."""
    rounds = -(-round(seconds) // BATCHED.readings)
    end = site.clock.now_us() // SECOND * SECOND + rounds * BATCHED.readings * SECOND
    made = messages(devices, BATCHED, rounds * len(devices), _epoch(site), end)
    return list(made), BATCHED.readings / len(devices)


def each_second(site: Site, devices: Sequence[str], vitals: int, seconds: float) -> Sent:
    """Of each device a reading of so many vitals every second."""
    start, epoch = site.clock.now_us() // SECOND * SECOND, _epoch(site)
    made = [
        (
            topics.telemetry(TENANT, device),
            packs.write(device, epoch, turn, records(turn, start + turn * SECOND)[:vitals]),
        )
        for turn in range(round(seconds))
        for device in devices
    ]
    return made, 1 / len(devices)


def _epoch(site: Site) -> int:
    """Each run of the sensors counts its packs anew."""
    return site.clock.now_us() // SECOND % (1 << 31)


@contextmanager
def sending(site: Site, sent: Sequence[tuple[str, bytes]], apart: float) -> Iterator[None]:
    """Sends them evenly until the block ends. Raises ``BrokerError`` when the sender fell behind: less came than was said."""
    stop, late = threading.Event(), [0.0]

    def send() -> None:
        began = site.clock.monotonic()
        with publisher(site) as client:
            for number, (topic, payload) in enumerate(sent):
                due = began + number * apart
                if stop.wait(max(0.0, due - site.clock.monotonic())):
                    return
                late[0] = max(late[0], site.clock.monotonic() - due)
                client.publish(topic, payload, qos=1)

    thread = threading.Thread(target=send, name="sensors")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if late[0] > _LATE_S:
        raise BrokerError(f"the sensors of the measurement were {late[0]:.1f} s late")
