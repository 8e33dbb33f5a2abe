"""Packs that lack: when they are asked for, when they are passed over, and what becomes of them if they come after all."""

import json
from pathlib import Path

import pytest

from ingest.gaps import ASKS, FILLED_S, SETTLE_S
from tests.unit.ingest.rig import HR, Rig, pack

QUESTION = "rpm/v1/home/d/w-1/cmd/backfill"


def send(rig: Rig, *seqs: int, epoch: int = 1) -> None:
    rig.pipeline.run([rig.message(pack(HR, seq=seq, epoch=epoch)) for seq in seqs])


def after(rig: Rig, seconds: float) -> None:
    rig.clock.advance(seconds)
    rig.pipeline.flush()


def until_passed_over(rig: Rig, seq: int) -> float:
    """A sender that re-sends ``seq`` every 30 s; how long it took until it was acknowledged, seconds."""
    started = rig.clock.monotonic()
    while not rig.published or rig.published[-1][1]["seq"] < seq:
        send(rig, seq)
        after(rig, 30)
        assert rig.clock.monotonic() - started < 7200
    return rig.clock.monotonic() - started


def test_a_gap_is_asked_for_when_it_has_settled(rig: Rig) -> None:
    send(rig, 0, 2, 5)
    after(rig, SETTLE_S - 1)
    assert rig.asked == []
    after(rig, 1)
    assert rig.asked == [(QUESTION, {"epoch": 1, "from": 1, "to": 4})]
    assert rig.published[-1][1] == {"epoch": 1, "seq": 0}


def test_packs_that_overtook_one_another_are_not_asked_for(rig: Rig) -> None:
    send(rig, 0, 2, 1)
    after(rig, SETTLE_S)
    assert rig.asked == []


def test_a_sender_that_is_silent_is_not_asked_again_and_one_that_speaks_ever_more_seldom(rig: Rig) -> None:
    send(rig, 0, 2)
    after(rig, SETTLE_S)
    after(rig, 3600)
    assert len(rig.asked) == 1
    asked_after: list[int] = []
    for second in range(600):
        send(rig, 2)
        after(rig, 1)
        if len(rig.asked) > len(asked_after) + 1:
            asked_after.append(second)
    assert asked_after == [29, 89, 209, 449], "the first one only when it had the time to offer it by itself"


def test_while_a_gap_is_being_filled_nobody_is_asked(rig: Rig) -> None:
    send(rig, 0, 100)
    for seq in range(1, 60):
        after(rig, 4)
        send(rig, seq)
    assert rig.asked == []
    after(rig, FILLED_S)
    assert rig.asked == [(QUESTION, {"epoch": 1, "from": 60, "to": 99})]


def test_a_long_gap_is_one_question_and_many_short_ones_are_one_window(rig: Rig) -> None:
    send(rig, 0, 100_000)
    send(rig, *range(0, 1200, 2), epoch=2)
    after(rig, SETTLE_S)
    assert [question for _, question in rig.asked] == [
        {"epoch": 1, "from": 1, "to": 99_999},
        {"epoch": 2, "from": 1, "to": 255},
    ]


def test_what_never_comes_is_passed_over_and_kept_as_a_dead_letter(rig: Rig, tmp_path: Path) -> None:
    send(rig, 0, 5)
    took = until_passed_over(rig, 5)
    assert 2135 <= took < 2135 + 300
    assert len(rig.asked) == ASKS
    (letter,) = rig.dead()
    assert (letter.device_id, letter.reason, letter.topic) == ("w-1", "never_sent", QUESTION)
    assert json.loads(letter.payload) == {"epoch": 1, "from": 1, "to": 4}
    assert letter.detail == "4 packs of epoch 1 from seq 1 to 4 never came, although they were asked for 7 times"
    assert rig.count("ingest_packs_never_sent_total") == 4

    rig.restart(tmp_path)
    rig.published.clear()
    send(rig, 6)
    after(rig, 1)
    assert rig.published[-1][1] == {"epoch": 1, "seq": 6}, "passed over for good"


def test_one_hole_is_passed_over_at_a_time(rig: Rig) -> None:
    """Above it a sender may hold packs that it does not send before the acknowledgement has moved its window."""
    send(rig, 0, 2, 4)
    until_passed_over(rig, 2)
    assert rig.asked[0][1] == {"epoch": 1, "from": 1, "to": 3}
    send(rig, 3)
    after(rig, 1)
    assert rig.published[-1][1] == {"epoch": 1, "seq": 4}
    assert [json.loads(letter.payload) for letter in rig.dead()] == [{"epoch": 1, "from": 1, "to": 1}]


def ask_until_nearly_passed_over(rig: Rig) -> None:
    """Seven questions, each answered at once with what is not asked for, by a sender that is silent otherwise."""
    send(rig, 0, 2)
    for _ in range(2000):
        before = len(rig.asked)
        after(rig, 1)
        if len(rig.asked) > before:
            rig.clock.advance(1)
            send(rig, 2)
        if len(rig.asked) == ASKS:
            return


def test_a_sender_that_speaks_only_when_asked_is_believed_as_well(rig: Rig) -> None:
    ask_until_nearly_passed_over(rig)
    after(rig, 598)
    assert rig.published[-1][1]["seq"] == 0
    after(rig, 1)
    assert rig.published[-1][1]["seq"] == 2


def test_a_sender_that_comes_back_can_still_offer_it(rig: Rig) -> None:
    ask_until_nearly_passed_over(rig)
    send(rig, 0)
    after(rig, 500)
    rig.clock.advance(6 * 3600)
    send(rig, 3)
    after(rig, 29)
    assert rig.dead() == []
    send(rig, 1)
    after(rig, 1)
    assert rig.published[-1][1]["seq"] == 3


def test_what_was_passed_over_is_stored_if_it_comes_after_all(rig: Rig, tmp_path: Path) -> None:
    send(rig, 0, 2)
    until_passed_over(rig, 2)
    rig.restart(tmp_path)
    send(rig, 1, 1)
    assert len(rig.stored()) == 3
    rig.restart(tmp_path)
    send(rig, 1)
    assert len(rig.stored()) == 3
    assert [letter.reason for letter in rig.dead()] == ["never_sent"]


def test_a_sender_that_offers_anything_of_it_gets_the_whole_time_anew(rig: Rig) -> None:
    send(rig, 0, 10)
    for _ in range(60):
        send(rig, 10)
        after(rig, 30)
    assert len(rig.asked) == 7
    send(rig, 1, 2, 3)
    until_passed_over(rig, 10)
    assert len(rig.asked) == 7 + ASKS


def test_packs_lost_at_the_intake_or_the_broker_start_the_count_anew(rig: Rig) -> None:
    for device in ("w-1", None):
        send(rig, 0, 2)
        for _ in range(60):
            send(rig, 2)
            after(rig, 30)
        rig.gaps.lost_on_the_way(device)
    assert len(rig.asked) == 14
    until_passed_over(rig, 2)
    assert len(rig.asked) == 14 + ASKS


def test_an_epoch_whose_first_packs_lack_is_a_gap_too(rig: Rig) -> None:
    send(rig, 4711)
    after(rig, SETTLE_S)
    assert rig.published == []
    assert rig.asked == [(QUESTION, {"epoch": 1, "from": 0, "to": 4710})]
    until_passed_over(rig, 4711)
    assert rig.published[-1][1] == {"epoch": 1, "seq": 4711}


@pytest.mark.parametrize(
    ("said", "acknowledged"),
    [
        (b'{"epoch":1,"from":1,"to":4}', 5),
        (b'{"epoch":1,"from":1,"to":3}', 3),
        (b'{"epoch":1,"from":1,"to":5}', 0),
        (b'{"epoch":1,"from":0,"to":4}', 0),
        (b'{"epoch":2,"from":1,"to":4}', 0),
        (b'{"epoch":1,"from":4,"to":1}', 0),
        (b"gone", 0),
        (b"\xff", 0),
    ],
)
def test_a_sender_is_believed_about_what_it_was_asked_for_and_nothing_else(
    rig: Rig, said: bytes, acknowledged: int
) -> None:
    send(rig, 0, 5)
    rig.gaps.denied("w-1", said)
    after(rig, SETTLE_S)
    rig.gaps.denied("w-1", said)
    rig.gaps.denied("w-1", said)
    after(rig, 1)
    assert rig.published[-1][1] == {"epoch": 1, "seq": acknowledged}
    assert len(rig.dead()) == (acknowledged > 0)


def test_an_empty_pack_says_that_its_number_is_gone_for_good(rig: Rig, tmp_path: Path) -> None:
    send(rig, 0, 2)
    rig.send(pack(epoch=1, seq=1))
    rig.send(pack(epoch=1, seq=2))
    after(rig, 1)
    assert rig.published[-1][1] == {"epoch": 1, "seq": 2}
    assert [(letter.reason, letter.detail) for letter in rig.dead()] == [("never_sent", "epoch 1 seq 1")]
    assert rig.told == [], "the sender knows"
    rig.restart(tmp_path)
    rig.send(pack(epoch=1, seq=1))
    rig.send(pack(epoch=1, seq=0))
    assert len(rig.dead()) == 1
    assert len(rig.stored()) == 2


def test_two_epochs_have_gaps_of_their_own(rig: Rig) -> None:
    send(rig, 0, 2, epoch=1)
    send(rig, 0, 3, epoch=2)
    after(rig, SETTLE_S)
    send(rig, 1, epoch=1)
    after(rig, 1)
    after(rig, 1)
    assert [question["epoch"] for _, question in rig.asked] == [1, 2]
    assert [ack for _, ack in rig.published if ack["epoch"] == 1][-1]["seq"] == 2
