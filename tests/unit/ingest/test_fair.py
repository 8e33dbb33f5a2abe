"""The intake: turns, order, bounds, and who loses what."""

import threading
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fair import HISTORY_TURN, MESSAGE_BYTES, Bounds, Dropped, FairQueue
from vigil.runtime.clock import ManualClock
from vigil.runtime.mqtt import Message

BIG = BYTES = 10**9


def message(device: str, number: int = 0, channel: str = "vitals", size: int = 100) -> Message:
    return Message(f"rpm/v1/home/d/{device}/tel/{channel}", bytes(size), number, 1, 1, number)


def queue(clock: ManualClock | None = None, **chosen: float) -> FairQueue:
    bounds = {"messages": BIG, "bytes": BIG, "device_bytes": BIG, "rate": 0, "burst": BIG, "grace_s": 0} | chosen
    return FairQueue(Bounds(**bounds), clock or ManualClock())  # type: ignore[arg-type]


def numbers(messages: list[Message]) -> list[int]:
    return [each.mid for each in messages]


def devices(messages: list[Message]) -> list[str]:
    return [each.topic.split("/")[4] for each in messages]


def lost(dropped: list[Dropped]) -> list[tuple[str, int, bool]]:
    return [(each.device_id, each.message.mid, each.too_fast) for each in dropped]


def test_a_batch_is_bounded_in_bytes_too() -> None:
    intake = queue()
    for number in range(10):
        intake.offer(message("a", number, size=1000))
    each = 1000 + len("rpm/v1/home/d/a/tel/vitals") + MESSAGE_BYTES
    assert numbers(intake.take(BIG, 3 * each)) == [0, 1, 2]
    assert numbers(intake.take(BIG, 1)) == [3]
    assert numbers(intake.take(2, BYTES)) == [4, 5]


def test_a_quiet_device_does_not_wait_behind_a_flood() -> None:
    intake = queue()
    for number in range(1000):
        intake.offer(message("loud", number))
    for device in ("a", "b"):
        intake.offer(message(device))
    assert devices(intake.take(6, BYTES)) == ["loud", "a", "b", "loud", "loud", "loud"]


def test_live_packs_go_before_history_which_never_stands_still() -> None:
    intake = queue()
    for number in range(100):
        intake.offer(message("a", number, "backfill"))
        intake.offer(message("b", 1000 + number))
    first = numbers(intake.take(2 * HISTORY_TURN, BYTES))
    assert [number for number in first if number < 1000] == [0, 1]
    assert sorted(first + numbers(intake.take(BIG, BYTES))) == [*range(100), *range(1000, 1100)]


def test_when_full_the_greediest_loses_its_newest_and_history_first() -> None:
    intake = queue(messages=6)
    for number in range(3):
        intake.offer(message("loud", number))
    for number in range(10, 12):
        intake.offer(message("loud", number, "backfill"))
    assert intake.offer(message("quiet", 20)) == []
    assert lost(intake.offer(message("quiet", 21))) == [("loud", 11, False)]
    assert lost(intake.offer(message("loud", 12, "backfill"))) == [("loud", 12, False)], "it holds most itself"
    assert lost(intake.offer(message("other", 30))) == [("loud", 10, False)]
    assert lost(intake.offer(message("other", 31))) == [("loud", 2, False)]
    assert lost(intake.offer(message("other", 32))) == [("other", 32, False)], "all hold the same"
    assert sorted(numbers(intake.take(BIG, BYTES))) == [0, 1, 20, 21, 30, 31]


def test_a_device_may_hold_its_share_and_no_more() -> None:
    share = 3 * (100 + MESSAGE_BYTES + len("rpm/v1/home/d/loud/tel/vitals"))
    intake = queue(device_bytes=share)
    assert [len(intake.offer(message("loud", number))) for number in range(5)] == [0, 0, 0, 1, 1]
    assert intake.offer(message("next")) == []
    intake.take(1, BYTES)
    assert intake.offer(message("loud", 5)) == []


def test_a_large_message_makes_room_for_itself_by_several_small_ones() -> None:
    intake = queue(bytes=10_000)
    for number in range(15):
        intake.offer(message("loud", number))
    dropped = intake.offer(message("quiet", 20, size=3000))
    assert [each.device_id for each in dropped] == ["loud"] * len(dropped)
    assert len(dropped) > 1
    assert intake.bytes <= 10_000
    assert 20 in numbers(intake.take(BIG, BYTES))


def test_a_device_that_is_too_fast_loses_what_is_too_much_and_nobody_else_does() -> None:
    clock = ManualClock()
    intake = queue(clock, rate=10, burst=20)
    dropped = [each for number in range(100) for each in intake.offer(message("loud", number))]
    assert lost(dropped) == [("loud", number, True) for number in range(20, 100)]
    assert intake.offer(message("quiet")) == []
    clock.advance(1)
    assert sum(len(intake.offer(message("loud", number))) for number in range(100)) == 90
    clock.advance(3600)
    assert sum(len(intake.offer(message("loud", number))) for number in range(100)) == 80


def test_devices_that_rest_cost_no_memory_for_ever() -> None:
    clock = ManualClock()
    intake = queue(clock, rate=10, burst=20)
    for number in range(20_000):
        clock.advance(0.01)
        intake.offer(message(f"w-{number}"))
        intake.take(1, BYTES)
    assert len(intake._lanes) <= 2048


def test_the_broker_waits_for_a_moment_before_anything_is_dropped() -> None:
    clock = ManualClock()
    intake = queue(clock, messages=2, grace_s=5)
    for number in range(2):
        intake.offer(message("a", number))
    dropped: list[Dropped] = []
    waiting = threading.Thread(target=lambda: dropped.extend(intake.offer(message("a", 2))))
    waiting.start()
    assert numbers(intake.take(1, BYTES)) == [0]
    waiting.join(10)
    assert dropped == []
    assert numbers(intake.take(2, BYTES)) == [1, 2]

    clock.advance(100)
    for number in range(2):
        intake.offer(message("a", number))
    clock.advance(5)
    late = threading.Thread(target=lambda: dropped.extend(intake.offer(message("a", 9))))
    late.start()
    while late.is_alive():
        clock.advance(5)
        intake.wake()
        intake.wait(1, 0)
        late.join(0.01)
    assert lost(dropped) == [("a", 9, False)]
    assert lost(intake.offer(message("a", 10))) == [("a", 10, False)], "a crowd that never ends waits once"


def test_while_the_store_fails_the_broker_keeps_what_comes_and_closing_ends_the_wait() -> None:
    intake = FairQueue(Bounds(1, BIG, BIG, 0, 1, 0), ManualClock(), patient=lambda: True)
    intake.offer(message("a", 0))
    dropped: list[Dropped] = []
    waiting = threading.Thread(target=lambda: dropped.extend(intake.offer(message("a", 1))))
    waiting.start()
    intake.close()
    waiting.join(10)
    assert not waiting.is_alive()
    assert dropped == []
    assert numbers(intake.take(5, BYTES)) == [0], "neither taken nor dropped: the broker has it"


@pytest.mark.parametrize("topic", ["", "elsewhere", "rpm/v1/home/d/a", "rpm/v1/home/d/a/tel/x/y/z"])
def test_any_other_topic_waits_in_one_lane(topic: str) -> None:
    intake = queue()
    intake.offer(Message(topic, b"", 7, 1, 1, 0))
    intake.offer(Message("$SYS", b"", 8, 1, 1, 0))
    assert numbers(intake.take(5, BYTES)) == [7, 8]


def test_how_long_the_oldest_live_one_waits() -> None:
    intake = queue()
    assert intake.oldest_live() is None
    intake.offer(message("a", 5, "backfill"))
    assert intake.oldest_live() is None
    for number in (9, 7):
        intake.offer(message(f"w-{number}", number))
    assert intake.oldest_live() == 7


_offer = st.tuples(st.sampled_from("abcd"), st.sampled_from(("vitals", "backfill")), st.integers(0, 900))


@given(
    steps=st.lists(_offer | st.integers(1, 7), max_size=120),
    messages=st.integers(1, 12),
    size=st.integers(1500, 6000),
    share=st.integers(800, 4000),
)
def test_nothing_vanishes_nothing_is_doubled_each_topic_keeps_its_order_and_the_bounds_hold(
    steps: list[tuple[str, str, int] | int], messages: int, size: int, share: int
) -> None:
    intake = queue(messages=messages, bytes=size, device_bytes=share)
    offered, gone, taken = 0, [], []
    for step in steps:
        if isinstance(step, int):
            taken += intake.take(step, BYTES)
        else:
            gone += intake.offer(message(step[0], offered, step[1], step[2]))
            offered += 1
        assert intake.messages <= messages
        assert intake.bytes <= size
    held = intake.messages
    rest = intake.take(BIG, BYTES)
    assert len(rest) == held
    assert (intake.messages, intake.bytes) == (0, 0)
    seen = Counter(numbers(taken + rest) + [each.message.mid for each in gone])
    assert seen == Counter(range(offered))
    by_topic: dict[str, list[int]] = defaultdict(list)
    for each in taken + rest:
        by_topic[each.topic].append(each.mid)
    assert all(order == sorted(order) for order in by_topic.values())
