"""Values that come late are stored in their place and handed on as late; how late is not ingest's business."""

import pytest

from analytics.slots import LATENESS_WINDOW
from tests.unit.ingest.rig import HR, NOW, Rig, pack
from vigil.domain.times import DAY, HOUR, MINUTE


@pytest.mark.parametrize(("late", "judged"), [(HOUR, True), (DAY, True), (DAY + MINUTE, False), (30 * DAY, False)])
@pytest.mark.parametrize("channel", ["vitals", "backfill"])
def test_a_late_value_is_stored_in_its_place_and_handed_on_with_its_receipt(
    rig: Rig, late: int, judged: bool, channel: str
) -> None:
    around = [pack({"n": "hr", "v": 60 + seq}, seq=seq, at=(NOW - late) / 1e6 + seq - 2) for seq in (0, 1, 3)]
    topic = f"rpm/v1/home/d/w-1/tel/{channel}"
    rig.send(pack({"n": "hr", "v": 99}, seq=4))
    rig.pipeline.hand_on(rig.pipeline.run([rig.message(payload, topic=topic) for payload in around]))
    batch = rig.send(pack({"n": "hr", "v": 62}, seq=2, at=(NOW - late) / 1e6), topic=topic)

    assert batch.measured_at.tolist() == [NOW - late]
    assert batch.received_at.tolist() == [NOW]
    handed_on = [rig.handed_on.next(0) for _ in range(3)][-1]
    assert handed_on is not None
    assert handed_on.received_at.tolist() == [NOW]
    assert handed_on.measured_at.tolist() == [NOW - late]
    chart = rig.store.range([0], NOW - late - HOUR, NOW - late + 2 * MINUTE, 100)
    assert chart.value.tolist() == [60, 61, 62, 63], "in its place between the others"
    buckets = rig.store.buckets([0], NOW - late - HOUR, NOW - late + HOUR, 60)
    assert buckets.count.sum() == 4
    # The rule of analytics (``analytics/judge.py``): what is later than this is never judged, so it never alarms.
    assert bool(batch.received_at[0] - batch.measured_at[0] <= LATENESS_WINDOW) is judged


def test_a_late_value_that_comes_twice_after_a_long_time_is_stored_once(rig: Rig) -> None:
    for numbers in (0, None):
        rig.send(pack(HR, seq=numbers, at=NOW / 1e6 - 40 * 86_400 - (numbers is None)))
    for _ in range(3):
        rig.clock.advance(86_400)
        rig.send(pack(HR, seq=0, at=NOW / 1e6 - 40 * 86_400))
        rig.send(pack(HR, seq=None, at=NOW / 1e6 - 40 * 86_400 - 1))
    assert len(rig.stored()) == 2
