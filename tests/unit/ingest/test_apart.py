"""Who gets a line of his own at the broker, and when he comes back."""

from __future__ import annotations

import threading

import pytest

from ingest.apart import BACK_S, MUCH_BYTES_S, Apart
from ingest.fair import CROWDED, MESSAGE_BYTES, Bounds, FairQueue
from tests.deadline import DEADLINE_S, until
from vigil.domain.errors import BrokerError
from vigil.runtime.clock import ManualClock
from vigil.runtime.mqtt import Message

TOPIC = "rpm/v1/home/d/{}/tel/vitals"
SIZE = len(TOPIC.format("loud")) + MESSAGE_BYTES + 600
ROOM = 400 * SIZE
#: Messages of half a second that are too much, and that are not.
MUCH, LITTLE = MUCH_BYTES_S // SIZE, MUCH_BYTES_S // SIZE // 4


class Site:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.clock.advance(100)
        self.queue = FairQueue(Bounds(10**6, ROOM, ROOM, 0, 1, 0), self.clock)
        self.told: list[frozenset[str]] = []
        self.connected, self.broken = True, False
        self.apart = Apart(self.queue, self._told, lambda: self.connected, self.clock)
        self.apart.tick(())

    def _told(self, devices: frozenset[str]) -> None:
        if self.broken:
            raise BrokerError("no right to write")
        self.told.append(devices)

    def send(self, device: str, count: int, *, apart: bool = False) -> list[str]:
        """Names of the devices whose messages were dropped for it."""
        message = Message(TOPIC.format(device), bytes(600), 1, 1, 1, 0, apart)
        return [dropped.device_id for _ in range(count) for dropped in self.queue.offer(message)]

    def tick(self, seconds: float = 0.5, too_fast: tuple[str, ...] = ()) -> None:
        while seconds > 0:
            self.clock.advance(0.5)
            seconds -= 0.5
            self.apart.tick(too_fast)

    def flood(self) -> None:
        self.send("loud", int(CROWDED * 400) + 1)
        self.send("quiet", LITTLE)
        self.tick()


@pytest.fixture
def site() -> Site:
    return Site()


def test_at_the_start_nobody_is_apart_whatever_the_broker_knew(site: Site) -> None:
    assert site.told == [frozenset()]


def test_who_sends_much_while_it_is_crowded_goes_apart_and_no_other(site: Site) -> None:
    site.flood()
    assert site.told[1:] == [frozenset({"loud"})]
    site.tick(5)
    assert len(site.told) == 2, "the broker is told of a change only"


def test_who_sends_much_where_there_is_room_stays(site: Site) -> None:
    for _ in range(20):
        site.send("loud", MUCH)
        site.queue.take(10**6, 10**9)
        site.tick()
    assert site.told == [frozenset()]


def test_a_device_beyond_its_limit_goes_apart_at_once(site: Site) -> None:
    site.tick(too_fast=("loud",))
    assert site.told[1:] == [frozenset({"loud"})]


def test_it_comes_back_when_it_has_sent_little_for_a_while(site: Site) -> None:
    site.flood()
    site.queue.take(10**6, 10**9)
    for _ in range(int(2 * BACK_S)):
        site.send("loud", MUCH, apart=True)
        site.queue.take(10**6, 10**9)
        site.tick()
    assert len(site.told) == 2, "it still sends much, though it is not crowded any more"
    for _ in range(int(2 * BACK_S) + 2):
        site.send("loud", LITTLE // 2, apart=True)
        site.queue.take(10**6, 10**9)
        site.tick()
    assert site.told[2:] == [frozenset()]


def test_nobody_comes_back_while_the_second_line_has_to_wait(site: Site) -> None:
    """What is read of them then says nothing of what they send."""
    site.flood()
    site.tick(BACK_S - 1)
    site.queue.held_at = site.clock.monotonic()
    site.tick(BACK_S - 1)
    assert len(site.told) == 2
    site.tick(2)
    assert site.told[2:] == [frozenset()]


def test_without_the_second_line_all_come_by_the_first(site: Site) -> None:
    site.flood()
    site.connected = False
    site.tick()
    assert site.told[2:] == [frozenset()]
    site.connected = True
    site.tick()
    assert site.told[3:] == [frozenset({"loud"})]


def test_a_broker_that_cannot_be_told_is_tried_again(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.broken = True
    site.flood()
    site.tick(3)
    assert site.queue.apart == frozenset()
    assert [record.message for record in caplog.records] == [
        "devices that flood the broker are not set apart: no right to write"
    ]
    site.broken = False
    site.tick()
    assert site.told[1:] == [frozenset({"loud"})]


def test_what_the_first_line_still_brings_of_those_apart_is_dropped_only_where_there_is_no_room(site: Site) -> None:
    """A burst that fits is stored: not every sender sends again."""
    site.flood()
    assert site.send("loud", 2) == []
    site.send("loud", 400)
    assert site.send("loud", 2) == ["loud", "loud"]
    site.queue.take(10**6, 10**9)
    assert site.send("loud", 1) == []


def test_the_second_line_waits_and_the_first_does_not(site: Site) -> None:
    site.send("loud", int(CROWDED * 400) - 1)
    sender = threading.Thread(target=site.send, args=("loud", 5), kwargs={"apart": True}, daemon=True)
    sender.start()
    assert until(lambda: site.queue.held_at == site.clock.monotonic())
    assert site.send("quiet", 1) == []
    assert site.queue.messages <= CROWDED * 400 + 1, "the quiet one's, and no more than the part of the second line"
    taken: list[Message] = []
    while sender.is_alive():
        taken += site.queue.take(1, 10**9)
    taken += site.queue.take(10**6, 10**9)
    assert [message.apart for message in taken].count(True) == 5
    assert TOPIC.format("quiet") in {message.topic for message in taken[:3]}


def test_closing_ends_the_wait_and_leaves_the_message_with_the_broker(site: Site) -> None:
    site.send("loud", int(CROWDED * 400) + 1)
    found: list[list[str]] = []
    sender = threading.Thread(target=lambda: found.append(site.send("loud", 1, apart=True)), daemon=True)
    sender.start()
    assert until(lambda: site.queue.held_at == site.clock.monotonic())
    before = site.queue.messages
    site.queue.close()
    sender.join(DEADLINE_S)
    assert (found, site.queue.messages) == ([[]], before)
