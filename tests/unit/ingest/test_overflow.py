"""What the intake dropped: counted, kept where it would not come again, told to its sender."""

import json
from dataclasses import dataclass, field

import pytest

from ingest.count import Counts
from ingest.fair import Dropped
from ingest.gaps import SETTLE_S
from ingest.overflow import KEPT_A_MINUTE, Overflow
from tests.unit.ingest.rig import HR, Rig, pack
from vigil.runtime.mqtt import Message
from vigil.store import DeadLetter


@dataclass
class Noted:
    """Stands for ``Overload`` and the PUBACK: remembers."""

    dropped: list[Dropped] = field(default_factory=list)
    apart: frozenset[str] = frozenset()
    acknowledged: list[Message] = field(default_factory=list)

    def note(self, dropped: Dropped) -> None:
        self.dropped.append(dropped)

    def waiting_apart(self) -> frozenset[str]:
        return self.apart


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def overflow(rig: Rig, noted: Noted) -> Overflow:
    return Overflow(
        rig.gaps,
        rig.teller,
        noted,  # type: ignore[arg-type]  # no other is called
        rig.committer.keep,
        noted.acknowledged.append,
        rig.clock,
        Counts(rig.metrics),
    )


def dropped(rig: Rig, seq: int | None, too_fast: bool = True) -> Dropped:
    return Dropped(rig.message(pack(HR, seq=seq)), "w-1", too_fast)


def test_a_pack_with_numbers_is_counted_told_and_acknowledged_to_the_broker_at_once(
    rig: Rig, overflow: Overflow, noted: Noted
) -> None:
    overflow.note(dropped(rig, 3))
    overflow.note(dropped(rig, 4, too_fast=False))
    assert len(noted.acknowledged) == len(noted.dropped) == 2
    overflow.flush()
    rig.pipeline.flush()
    assert rig.dead() == [], "it comes again"
    assert [(said["reason"], said["seq"]) for _, said in rig.told] == [("rate_limited", None)]
    text = rig.metrics.text().decode()
    assert 'ingest_messages_dropped_total{why="too_fast"} 1.0' in text
    assert 'ingest_messages_dropped_total{why="no_room"} 1.0' in text
    assert rig.published == [], "and no cmd/ack covers it"


def test_one_without_is_kept_and_acknowledged_only_then(rig: Rig, overflow: Overflow, noted: Noted) -> None:
    first = dropped(rig, None)
    overflow.note(first)
    assert noted.acknowledged == []
    overflow.flush()
    assert noted.acknowledged == [first.message]
    (letter,) = rig.dead()
    assert (letter.reason, letter.device_id, letter.payload) == ("rate_limited", "w-1", first.message.payload)
    assert letter.detail == "faster than the limit"


def test_beyond_the_room_it_is_counted_and_a_dead_letter_a_minute_says_how_many(rig: Rig, overflow: Overflow) -> None:
    for _ in range(KEPT_A_MINUTE + 7):
        overflow.note(dropped(rig, None))
    overflow.flush()
    assert rig.count("ingest_messages_dropped_unkept_total") == 7
    rig.clock.advance(60)
    overflow.flush()
    overflow.flush()
    letters = rig.store.dead_letters(2000, None, None, "rate_limited")
    assert len(letters) == KEPT_A_MINUTE + 1
    assert letters[0].detail == "7 more messages without epoch and seq were dropped, and are not kept"
    overflow.note(dropped(rig, None))
    overflow.flush()
    assert len(rig.store.dead_letters(2000, None, None, None)) == KEPT_A_MINUTE + 2, "a new minute has room again"


@pytest.mark.parametrize("by_the_broker", [False, True])
def test_dropped_packs_are_no_evidence_that_their_sender_has_others_no_more(
    rig: Rig, overflow: Overflow, noted: Noted, by_the_broker: bool
) -> None:
    """Here, or at the broker while the sender's own line has to wait."""
    for seq in (0, 2):
        rig.send(pack(HR, seq=seq))
    rig.clock.advance(SETTLE_S)
    rig.pipeline.flush()
    assert len(rig.asked) == 1
    if by_the_broker:
        noted.apart = frozenset({"w-1"})
    else:
        overflow.note(dropped(rig, 1))
    overflow.flush()
    rig.send(pack(HR, seq=2))
    rig.clock.advance(SETTLE_S)
    rig.pipeline.flush()
    assert len(rig.asked) == 2, "the count starts anew"


def test_every_dropped_message_is_somewhere(rig: Rig, overflow: Overflow, noted: Noted) -> None:
    kept: list[DeadLetter] = []
    for number in range(40):
        overflow.note(dropped(rig, number if number % 3 else None))
        if number % 7 == 0:
            overflow.flush()
    overflow.flush()
    kept = rig.dead()
    assert len(kept) == 14
    assert all("seq" not in json.dumps(json.loads(letter.payload)) for letter in kept)
    assert len(noted.acknowledged) == 40
