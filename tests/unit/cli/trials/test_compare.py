"""Which alerts are the same under two policies, which vanish, appear or are shown at another time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from api.trials import Told
from cli.trials.compare import SHIFT_US, compared, side
from vigil.domain.alerts import Priority
from vigil.domain.times import MINUTE


def alert(onset: int, over: int | None = None, rule: str = "limit.spo2.low", shown: int | None = None) -> Told:
    """Minutes."""
    at = onset if shown is None else shown
    end = None if over is None else over * MINUTE
    return Told("p-1", rule, Priority.MEDIUM, onset * MINUTE, at * MINUTE, end, 1)


def test_an_alert_that_only_one_side_has_vanishes_or_appears() -> None:
    gone, new = alert(0, 5), alert(20, 25)
    kept, changes = compared([gone], [new])
    assert kept == 0
    assert [(one.before, one.after) for one in changes] == [(gone, None), (None, new)]


def test_an_episode_in_common_is_one_alert() -> None:
    same = alert(0, 30)
    assert compared([same], [same]) == (1, [])
    later = replace(same, onset_at=same.onset_at + 5 * MINUTE)
    assert compared([same], [later]) == (1, [])  # begun later, but shown at the same time
    assert compared([same], [alert(0, 30, "limit.heart_rate.high")])[0] == 0


def test_another_time_or_priority_is_a_change() -> None:
    first = alert(0, 30)
    kept, (moved,) = compared([first], [replace(first, shown_at=first.shown_at + SHIFT_US)])
    assert (kept, moved.before, moved.after and moved.after.shown_at) == (0, first, SHIFT_US)
    kept, (worse,) = compared([first], [replace(first, priority=Priority.HIGH)])
    assert (kept, worse.after and worse.after.priority) == (0, Priority.HIGH)


def test_one_long_alert_is_only_one_of_two_short_ones() -> None:
    kept, changes = compared([alert(0, None)], [alert(0, 10), alert(20, 30)])
    assert kept == 1
    assert [(one.before, one.after) for one in changes] == [(None, alert(20, 30))]


def test_changes_stand_in_order_of_time() -> None:
    before = [alert(50, 55), alert(0, 5), alert(10, 15, "news2")]
    assert [one.told.shown_at // MINUTE for one in compared(before, [])[1]] == [0, 10, 50]


def test_a_side_counts_by_priority_and_rule() -> None:
    alerts = [alert(0, 1), replace(alert(2, 3), priority=Priority.HIGH, calls=2)]
    alerts += [alert(4, 5, "no_data.w-1"), alert(6, 7, "no_data.w-2")]
    found = side(alerts)
    assert found.by_priority == {"medium": 3, "high": 1}
    assert found.by_rule == {"limit.spo2.low": 2, "no_data": 2}
    assert found.calls == 5


SOME = st.lists(
    st.builds(
        lambda onset, lasts, rule: alert(onset, onset + lasts, rule),
        st.integers(0, 50), st.integers(0, 20), st.sampled_from(["a", "b"]),
    ),
    max_size=8,
)  # fmt: skip


@given(SOME, SOME)
def test_no_alert_is_lost_or_counted_twice(before: list[Told], after: list[Told]) -> None:
    kept, changes = compared(before, after)
    old = [one.before for one in changes if one.before is not None]
    new = [one.after for one in changes if one.after is not None]
    assert (len(old) + kept, len(new) + kept) == (len(before), len(after))
    assert all(old.count(one) <= before.count(one) for one in old)
    assert all(new.count(one) <= after.count(one) for one in new)


@given(SOME)
def test_a_policy_against_itself_changes_nothing(alerts: list[Told]) -> None:
    kept, changes = compared(alerts, alerts)
    assert kept + len(changes) >= len(alerts)
    apart = all(one.rule != other.rule or not _meet(one, other) for one in alerts for other in alerts if one != other)
    assert not apart or changes == []


def _meet(one: Told, other: Told) -> bool:
    return one.onset_at <= (other.over_at or 0) and other.onset_at <= (one.over_at or 0)
