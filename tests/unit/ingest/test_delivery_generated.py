"""No reading is lost or doubled and every ``cmd/ack`` is true, whatever is killed and when."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.ingest.world import World

_WHO = st.integers(0, 1)
_STEP = st.one_of(
    st.tuples(st.just("measure"), _WHO, st.integers(1, 20)),
    st.tuples(st.just("hand over"), st.just(0), st.integers(1, 60)),
    st.tuples(st.just("commit"), st.just(0), st.integers(1, 40)),
    st.tuples(st.just("wait"), st.just(0), st.sampled_from((1, 35, 700))),
    st.tuples(st.sampled_from(("offline", "online", "reset")), _WHO, st.just(0)),
    st.tuples(st.sampled_from(("kill broker", "kill core")), st.just(0), st.just(0)),
)
#: The longest that a gap may hold up an acknowledgement, with senders that go on speaking, in rounds of 30 s.
_ROUNDS = 400


def step(world: World, what: str, who: int, count: int) -> None:
    sender = world.senders[who]
    match what:
        case "measure":
            world.measure(sender, count)
        case "hand over":
            world.hand_over(count)
        case "commit":
            world.commit(count)
        case "wait":
            world.rig.clock.advance(count)
        case "offline":
            sender.online = False
        case "online":
            sender.returns()
        case "reset":
            world.reset(sender)
        case "kill broker":
            world.kill_broker()
        case "kill core":
            world.kill_core()
    world.publish()
    world.flush()


def settle(world: World) -> None:
    """All parts work, until every sender is rid of what it holds."""
    for sender in world.senders:
        sender.returns()
    for _ in range(_ROUNDS):
        for _ in range(3):
            world.publish()
            while world.waiting:
                world.hand_over(8)  # as many as the intake holds: nothing is dropped any more
                world.commit(8)
            world.rig.clock.advance(1)
            world.flush()
        if not any(sender.held for sender in world.senders):
            assert not world.unacknowledged, "every message is acknowledged to the broker, dropped ones too"
            return
        world.rig.clock.advance(27)
    pytest.fail(f"still held: {[sorted(sender.held)[:5] for sender in world.senders]}")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=40))
def test_what_was_sent_is_stored_once_and_no_acknowledgement_is_wrong(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    for what, who, count in steps:
        step(world, what, who, count)
    settle(world)
    assert world.stored() == world.sent
    assert world.rig.dead() == []
    readings = world.readings()
    assert len(readings) == len(world.sent)
    assert set(readings.values()) <= {1}
    world.rig.store.close()


def test_a_pack_that_gets_lost_unseen_six_times_is_not_passed_over(tmp_path: Path) -> None:
    """By a broker that is full; its sender does not know ``cmd/backfill`` and goes on measuring."""
    world = World(tmp_path)
    sender = world.senders[1]
    world.measure(sender, 1)
    unlucky = sender.held[0, 0].payload
    lost = 0
    for turn in range(200):
        world.measure(sender, turn < 150)
        world.publish()
        for message in [each for each in world.waiting if each.payload == unlucky]:
            if lost < 6:
                lost += 1
                world.waiting.remove(message)
        world.hand_over(1000)
        world.commit(1000)
        world.flush()
        world.rig.clock.advance(15)
        if not sender.held:
            break
    assert lost == 6
    assert world.stored() == world.sent
    assert world.rig.dead() == []
    world.rig.store.close()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=20), who=_WHO)
def test_what_a_sender_has_lost_is_kept_as_a_dead_letter_and_the_rest_is_stored(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]], who: int
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    for what, of, count in steps:
        step(world, what, of, count)
    world.measure(world.senders[who], 4)
    world.forget(world.senders[who])
    world.measure(world.senders[who], 1)
    settle(world)
    lost = world.sent - world.stored()
    assert lost <= world.forgotten
    assert world.sent - lost <= world.stored()
    assert {
        key for key in lost if any(each[:2] == key[:2] and each[2] > key[2] for each in world.stored())
    } <= world.passed()
    assert set(world.readings().values()) <= {1}
    world.rig.store.close()
