from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.packs import Record
from simulators.recording import Channel, Recording, first_hours, packs
from vigil.domain.errors import ScenarioError
from vigil.domain.quality import Quality
from vigil.domain.times import SECOND

START_US = 1_767_276_000_000_000
HR: Channel = ("hr", None)
TEMP: Channel = ("temp", None)


def charted(*seconds: int) -> Recording:
    """A heart rate of 60, 61, … at these seconds, every second one questionable; a temperature at the last only."""
    size = len(seconds)
    temperatures = np.full(size, np.nan)
    temperatures[-1] = 37.5
    lost = np.zeros(size, dtype=np.bool_)
    lost[0] = True
    return Recording(
        device_id="x-1",
        age=70,
        sex="F",
        seconds=np.array(seconds, dtype=np.int64),
        columns={HR: 60.0 + np.arange(size, dtype=np.float64), TEMP: temperatures},
        no_reading={TEMP: lost},
        quality={HR: (np.arange(size) % 2 * int(Quality.QUESTIONABLE)).astype(np.uint16)},
    )


def test_the_recordings_own_bits_go_with_their_values() -> None:
    sent = [pack.records for _, pack in packs(charted(0, 3600), START_US)]
    assert sent == [
        (Record("hr", START_US, 60.0), Record("temp", START_US, None, int(Quality.CONTACT_LOST))),
        (
            Record("hr", START_US + 3600 * SECOND, 61.0, int(Quality.QUESTIONABLE)),
            Record("temp", START_US + 3600 * SECOND, 37.5),
        ),
    ]


def test_only_what_was_measured_close_together_is_joined() -> None:
    joined = list(packs(charted(0, 3, 5, 3600, 3601), START_US, joined_seconds=5))
    assert [(due // SECOND, [(at - START_US) // SECOND for at in pack.seconds]) for due, pack in joined] == [
        (3, [0, 3]),
        (5, [5]),
        (3601, [3600, 3601]),
    ]


@given(
    st.lists(st.integers(min_value=0, max_value=500), min_size=1, max_size=40, unique=True),
    st.integers(min_value=1, max_value=60),
)
def test_joining_loses_and_reorders_nothing(seconds: list[int], joined: int) -> None:
    recording = charted(*sorted(seconds))
    single = [record for _, pack in packs(recording, START_US) for record in pack.records]
    together = list(packs(recording, START_US, joined))
    assert [record for _, pack in together for record in pack.records] == single
    assert all(pack.seconds[-1] - pack.seconds[0] < joined * SECOND for _, pack in together)
    assert [due for due, _ in together] == sorted(due for due, _ in together)


def test_the_first_hours_end_before_their_end() -> None:
    cut = first_hours(charted(0, 1800, 3599, 3600, 7200), 1)
    assert cut.seconds.tolist() == [0, 1800, 3599]
    assert [(due, len(pack.records)) for due, pack in packs(cut, 0)] == [
        (0, 2),
        (1800 * SECOND, 1),
        (3599 * SECOND, 1),
    ]
    assert (cut.values, cut.tried) == (3, 1)


def test_a_recording_shorter_than_the_hours_stays_whole() -> None:
    whole = charted(0, 60)
    assert list(packs(first_hours(whole, 24), START_US)) == list(packs(whole, START_US))


@pytest.mark.parametrize("hours", [0.0, -1.0])
def test_no_hours_are_refused(hours: float) -> None:
    with pytest.raises(ScenarioError):
        first_hours(charted(0), hours)
