"""The memory of one simulated device: numbers, due times, the window, counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.packs import Pack, Record
from simulators.send_outbox import Outbox
from vigil.wire import packs as wire
from vigil.wire.packs import Ack
from vigil.wire.resend import ResendRule

NOON = 1_767_225_600_000_000


def pack(second: int, *, backfill: bool = False) -> Pack:
    at = NOON + second * 1_000_000
    return Pack("w-1", (at,), (Record("hr", at, 60 + second % 50), Record("rr", at, None, 4)), backfill)


def outbox(rule: ResendRule | None = None, *, cbor: bool = False, packs: int = 0) -> Outbox:
    box = Outbox("w-1", 7, rule or ResendRule(), cbor=cbor)
    for second in range(packs):
        box.add(pack(second))
    return box


@pytest.mark.parametrize("cbor", [False, True])
def test_packs_are_numbered_from_zero_without_gap(cbor: bool) -> None:
    sent = outbox(cbor=cbor, packs=3).due(0.0)
    for number, waiting in enumerate(sent):
        read = wire.read(waiting.payload, "w-1")
        assert (read.epoch, read.seq) == (7, number)
        assert len(read.value) == 2
    assert len(sent) == 3


def test_history_has_its_own_channel() -> None:
    box = outbox(packs=1)
    box.add(pack(1, backfill=True))
    assert [waiting.channel for waiting in box.due(0.0)] == ["vitals", "backfill"]


def test_sent_again_with_back_off_until_acknowledged() -> None:
    box = outbox(packs=1)
    sent_at = []
    for now in range(1000):
        for waiting in box.due(float(now)):
            box.note_sent(waiting, float(now))
            sent_at.append(now)
    assert sent_at == [0, 30, 90, 210, 450, 930]
    assert box.next_due_s() == 930 + 600
    assert box.acknowledge(Ack(7, 0)) == 1
    assert box.next_due_s() is None
    assert (box.counts.packs_sent, box.counts.values_sent) == (1, 2)
    assert (box.counts.packs_acked, box.counts.resent) == (1, 5)


def test_copies_of_a_pack_have_its_number_and_count_as_sent_again() -> None:
    box = outbox()
    box.add(replace(pack(0), copies=5))
    (waiting,) = box.due(0.0)
    assert (waiting.seq, waiting.copies) == (0, 5)
    box.note_sent(waiting, 0.0)
    assert (box.counts.packs_sent, box.counts.resent) == (1, 4)
    assert box.acknowledge(Ack(7, 0)) == 1
    assert box.counts.packs_acked == 1


def test_after_a_reconnect_all_is_due_and_the_back_off_starts_anew() -> None:
    box = outbox(packs=2)
    for _ in range(5):
        for waiting in box.due(0.0):
            box.note_sent(waiting, 0.0)
        assert box.due(0.0) == []
        box.all_due()
    for waiting in box.due(0.0):
        box.note_sent(waiting, 0.0)
    assert box.next_due_s() == 60.0


def test_an_acknowledgement_of_another_epoch_changes_nothing() -> None:
    box = outbox(packs=3)
    assert box.acknowledge(Ack(8, 2)) == 0
    assert box.acknowledge(Ack(7, 1)) == 2
    assert box.acknowledge(Ack(7, 1)) == 0
    assert len(box) == 1
    assert box.counts.packs_acked == 2


@given(st.lists(st.integers(0, 30), max_size=30))
def test_everything_goes_out_in_the_end_and_never_more_than_the_window(acks: list[int]) -> None:
    box = outbox(ResendRule(window=4), packs=20)
    sent: set[int] = set()
    for upto in [*acks, *range(20)]:
        due = box.due(0.0)
        assert len(due) <= 4
        for waiting in due:
            box.note_sent(waiting, 0.0)
            sent.add(waiting.seq)
        first_gap = next(seq for seq in range(21) if seq not in sent)
        if first_gap:
            box.acknowledge(Ack(7, min(upto, first_gap - 1)))
    assert len(box) == 0
    assert sent == set(range(20))
    assert box.counts.packs_acked == 20
