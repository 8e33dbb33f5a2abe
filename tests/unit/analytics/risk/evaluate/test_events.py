"""Where the event of a stay is, and where an alert begins."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.risk.evaluate.events import NEVER, Setting, find_events, rises
from tests.unit.analytics.risk.evaluate.tables import labels_of, starts_of
from vigil.domain.errors import InvalidInput


def test_the_onset_is_six_hours_after_the_first_label_and_may_lie_behind_the_stay() -> None:
    events = find_events(labels_of("0000", "0111", "1"), starts_of(4, 4, 1))

    assert events.onset.tolist() == [NEVER, 7, 6]
    assert events.stays.tolist() == [False, True, True]


def test_the_window_is_twelve_hours_before_to_three_after_the_onset() -> None:
    stay = "0" * 20 + "1" * 20
    window = find_events(labels_of(stay), starts_of(40)).window

    assert np.flatnonzero(window).tolist() == list(range(26 - 12, 26 + 3 + 1))


def test_nobody_without_an_event_has_a_window() -> None:
    assert not find_events(labels_of("0" * 50), starts_of(50)).window.any()


def test_another_setting_counts_its_own_rows() -> None:
    events = find_events(labels_of("00001000"), starts_of(8), Setting(lead=0, early=2, late=1))

    assert np.flatnonzero(events.window).tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize("starts", [[0], [1, 4], [0, 3], [0, 2, 2, 4]])
def test_stays_that_do_not_fit_the_rows_are_refused(starts: list[int]) -> None:
    with pytest.raises(InvalidInput, match="add up"):
        find_events(labels_of("0000"), np.array(starts))


def test_an_alert_begins_anew_in_the_next_stay() -> None:
    begins = rises(labels_of("0110", "1011"), starts_of(4, 4))

    assert np.flatnonzero(begins).tolist() == [1, 4, 6]
