"""When the watchdog calls, what it takes for proof, and when it is in trouble."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.watchdog.round_trip import Phase, RoundTrip, Trouble
from vigil.domain.self_test import ALARMING, NORMAL

EVERY_S, SILENCE_S, PULSE_S = 60, 60, 5


@dataclass
class Vigil:
    """Second by second: what the watchdog sends reaches a Vigil of which parts can be switched off."""

    stores: bool = True
    alarms: bool = True
    ends: bool = True
    now: float = 0.0
    sent: list[float] = field(default_factory=list)
    alert: bool = False

    def __post_init__(self) -> None:
        self.trip = RoundTrip(EVERY_S, SILENCE_S, self.now)

    def run(self, seconds: int) -> Trouble | None:
        """What the watchdog says at the end."""
        trouble = None
        for _ in range(seconds):
            if self.now % PULSE_S == 0:
                self._pulse()
            trouble = self.trip.look(self.now)
            self.now += 1
        return trouble

    def until_trouble(self, most: int = 1000) -> float:
        """Seconds until the watchdog is in trouble."""
        start = self.now
        while self.run(1) is None:
            assert self.now - start < most
        return self.now - 1 - start

    def _pulse(self) -> None:
        value = self.trip.next_value(self.now)
        self.sent.append(value)
        if not self.stores:
            return
        self.trip.acknowledged(self.now)
        if value == ALARMING and not self.alert and self.alarms:
            self.alert = True
            self.trip.alerted(self.now)
        elif value == NORMAL and self.alert and self.ends:
            self.alert = False
            self.trip.resolved(self.now)


def test_one_alarming_value_a_round_while_all_is_well() -> None:
    vigil = Vigil()
    assert vigil.run(600) is None
    assert vigil.sent[:5] == [NORMAL, NORMAL, NORMAL, ALARMING, NORMAL]
    calls = [number for number, value in enumerate(vigil.sent) if value == ALARMING]
    assert {after - before for before, after in itertools.pairwise(calls)} == {(EVERY_S + PULSE_S) // PULSE_S}


def test_a_dead_core_is_trouble_after_the_stated_silence() -> None:
    vigil = Vigil()
    vigil.run(101)  # the last acknowledgement is of second 100
    vigil.stores = False
    assert vigil.until_trouble() == SILENCE_S
    trouble = vigil.run(1)
    assert trouble is not None
    assert (trouble.since, "acknowledged" in trouble.words) == (100, True)


def test_a_lost_alert_is_trouble_after_a_round_and_the_stated_silence() -> None:
    vigil = Vigil()
    vigil.run(101)
    vigil.alarms = False
    assert vigil.until_trouble() <= EVERY_S + SILENCE_S + 2 * PULSE_S
    trouble = vigil.run(1)
    assert trouble is not None
    assert "does not come" in trouble.words


def test_an_alert_that_does_not_end_is_trouble() -> None:
    vigil = Vigil(ends=False)
    assert vigil.until_trouble() <= 4 * PULSE_S + SILENCE_S
    trouble = vigil.run(1)
    assert trouble is not None
    assert "does not end" in trouble.words


def test_only_a_whole_round_ends_the_trouble() -> None:
    vigil = Vigil()
    vigil.run(101)
    vigil.stores = vigil.alarms = False
    vigil.run(300)
    vigil.stores = True
    trouble = vigil.run(120)
    assert trouble is not None, "readings alone prove nothing"
    vigil.alarms, vigil.ends = True, False
    assert vigil.run(60) is not None, "an alert that stays proves nothing"
    vigil.ends = True
    assert vigil.run(60) is None


def test_after_an_outage_it_works_again_within_seconds() -> None:
    vigil = Vigil()
    vigil.run(101)
    vigil.stores = False
    assert vigil.run(300) is not None
    vigil.stores = True
    assert vigil.run(10 * PULSE_S) is None


def test_an_alert_that_opened_unseen_is_called_anew_before_anybody_is_told() -> None:
    vigil = Vigil()
    vigil.run(10)
    vigil.alert = True  # it opened while nobody listened; a normal value ends it
    assert vigil.run(300) is None
    assert vigil.sent.count(ALARMING) > 1


def test_its_own_halt_is_nobody_elses_trouble() -> None:
    vigil = Vigil()
    vigil.run(101)
    vigil.now += 3600
    assert vigil.run(600) is None


def test_an_alert_out_of_turn_changes_nothing() -> None:
    trip = RoundTrip(EVERY_S, SILENCE_S, 0)
    trip.resolved(1)
    trip.alerted(1)
    assert trip.phase is Phase.QUIET


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(1, 200)), max_size=6))
def test_whatever_failed_it_ends_well_when_all_works_again(outages: list[tuple[bool, bool, bool, int]]) -> None:
    vigil = Vigil()
    for stores, alarms, ends, seconds in outages:
        vigil.stores, vigil.alarms, vigil.ends = stores, alarms, ends
        vigil.run(seconds)
    vigil.stores = vigil.alarms = vigil.ends = True
    assert vigil.run(EVERY_S + SILENCE_S + 20 * PULSE_S) is None
    vigil.stores = False
    assert vigil.until_trouble() <= SILENCE_S + PULSE_S, "and it still notices"
