"""``cmd/error``: what a sender is told, and how often."""

import json

from tests.unit.ingest.rig import HR, Rig, pack
from vigil.domain.errors import REASON_TEXT, RefusalReason
from vigil.wire import commands

TOPIC = "rpm/v1/home/d/w-1/cmd/error"


def told(rig: Rig) -> list[tuple[str, int | None, list[str]]]:
    rig.pipeline.flush()
    return [(said["reason"], said["seq"], said["names"]) for _, said in rig.told]


def test_a_refused_value_is_named_with_its_reason_in_words(rig: Rig) -> None:
    rig.send(pack(HR, {"n": "temp", "v": 36.8}, seq=0))
    rig.pipeline.flush()
    assert rig.told == [
        (
            TOPIC,
            {
                "epoch": 1,
                "seq": 0,
                "reason": "unit_missing",
                "text": "this name must carry its unit",
                "names": ["temp"],
            },
        )
    ]


def test_a_pack_refused_whole_is_told_without_numbers_where_it_has_none(rig: Rig) -> None:
    rig.send(b"[nonsense")
    rig.pipeline.flush()
    text = REASON_TEXT[RefusalReason.MALFORMED]
    assert rig.told == [(TOPIC, {"epoch": None, "seq": None, "reason": "malformed", "text": text, "names": []})]


def test_good_packs_and_duplicates_are_not_told(rig: Rig) -> None:
    rig.send(pack({"n": "temp", "v": 36.8}))
    assert len(told(rig)) == 1
    rig.clock.advance(2)
    rig.send(pack({"n": "temp", "v": 36.8}))
    rig.send(pack(HR, seq=1))
    assert len(told(rig)) == 1


def test_one_word_a_second_and_device_and_each_reason_takes_its_turn(rig: Rig) -> None:
    for seq in range(20):
        bad = {"n": ("temp", "wt")[seq % 2], "v": 36.8}
        rig.send(pack(bad, {"n": "hr", "v": 400}, seq=seq))
    rig.send(b"[", "w-2")
    assert told(rig) == [("unit_missing", 19, ["temp", "wt"]), ("malformed", None, [])]
    rig.clock.advance(0.9)
    assert len(told(rig)) == 2
    rig.clock.advance(0.1)
    assert told(rig)[2:] == [("out_of_range", 19, ["hr"])]
    rig.clock.advance(10)
    assert len(told(rig)) == 3


def test_nothing_of_a_payload_comes_back_but_names_of_the_table(rig: Rig) -> None:
    rig.send(pack({"n": "Wang-Fang", "v": 1}, {"n": "hr.Wang", "v": 1}, {"n": "spo2.q", "v": 1}, seq=0))
    rig.clock.advance(2)
    rig.send(pack(HR, device="Wang-Fang", seq=1))
    assert len(told(rig)) == 1
    rig.clock.advance(2)
    assert "Wang" not in json.dumps([told(rig), rig.told])
    assert {name for _, said in rig.told for name in said["names"]} == {"spo2.q"}


def test_a_topic_that_names_no_device_has_nobody_to_tell(rig: Rig) -> None:
    rig.send(pack(HR), topic="rpm/v1/home/d/w+1/tel/vitals")
    rig.send(pack(HR), topic="elsewhere")
    assert told(rig) == []
    assert [letter.reason for letter in rig.dead()] == ["bad_topic", "bad_topic"]


def test_what_is_written_is_read_again_and_nonsense_is_not() -> None:
    payload = commands.write_error(7, 12, RefusalReason.TIME_MISSING, ["hr"])
    read = commands.read_error(payload)
    assert read == commands.Error(7, 12, "time_missing", REASON_TEXT[RefusalReason.TIME_MISSING], ["hr"])
    assert commands.read_error(b"{}") is None
    assert commands.read_error(b"\xff") is None
    assert commands.read_backfill(commands.write_backfill(7, 0, 2**32 - 2)) == commands.Backfill(7, 0, 2**32 - 2)
    for bad in (
        b"{}",
        b"\xff",
        b'{"epoch":7,"from":1,"to":0}',
        b'{"epoch":-1,"from":1,"to":2}',
        b'{"epoch":7,"from":1.5,"to":2}',
    ):
        assert commands.read_backfill(bad) is None
