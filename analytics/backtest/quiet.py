"""Moments of a replay at which nothing can follow but NEWS2, and of these the ones at which nothing does: they need no tick.

A score that hovers around a limit changes thousands of times a month. What such a moment would leave behind, the time that a
grade has gathered and when the score was made, is left behind all the same, so that the notices are those of a replay that ticks
at each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.backtest.fold import U8, Folded
from analytics.backtest.world import World
from analytics.battery import CHARGED, LOW
from analytics.engine.compiled import Kernels
from analytics.news2_rule import RULE
from analytics.patient_detectors import MULTIVARIATE
from analytics.patient_detectors.disagreement import MARGINS
from analytics.pipeline import Pipeline
from analytics.scores.bands import LOWER, POINTS, UPPER
from analytics.scores.grades import graded
from analytics.scores.moments import Received, Sensors, moment_inputs
from analytics.scores.news2 import news2_columns
from analytics.scores.persistence import NOT_KNOWN, Looks
from vigil.domain.news2 import not_applicable
from vigil.domain.readings import I64
from vigil.domain.times import SECOND, utc_date
from vigil.domain.vitals import BY_NAME

_BATTERY = BY_NAME["battery_level"].index


@dataclass(frozen=True, slots=True)
class Quiet:
    """Of each moment, ascending: ``next_tick`` i64: the place of the first from it on that needs a tick whatever NEWS2 says;
    ``turned`` bool: it does because of nothing but a condition that its readings change; ``received`` i64: how many readings
    have come by then."""

    looks: Looks
    next_tick: I64
    turned: NDArray[np.bool_]
    received: I64


def quiet(world: World, folded: Folded, moments: I64, others: I64, silences: I64, kernels: Kernels) -> Quiet | None:
    """``moments``: all of them; ``others``: those that are there neither for NEWS2, nor for a silence, nor for a condition that
    may call; ``silences``: those a second after a threshold, which a moment of NEWS2 within that second meets first. Only for a
    history that is ``foreseeable``. None: in this history each tick may bring something."""
    if _each_tick_counts(world, folded, int(moments[0])):
        return None
    following = np.r_[silences, moments[-1] + SECOND][np.searchsorted(silences, moments)]
    needed = np.isin(moments, others) | (following - moments < SECOND) | _battery(folded, moments)
    needed[-1] = True
    turned = np.isin(moments, folded.batch.received_at[folded.told]) & ~needed
    places = np.where(needed | turned, np.arange(moments.size), moments.size)
    next_tick = np.minimum.accumulate(places[::-1])[::-1].copy()
    received = np.searchsorted(world.history.batch.received_at, moments, side="right")
    return Quiet(_looks(world, folded, moments, kernels), next_tick, turned, received)


def _each_tick_counts(world: World, folded: Folded, start: int) -> bool:
    """Rules that look at each minute or each tick, limits that follow the time of day, and a score that begins to apply."""
    policy, patient, slots = world.history.policy, world.history.patient, folded.state.slots
    vitals = np.bincount(slots.vital[: slots.size], minlength=len(BY_NAME))
    two_of_one = any(vitals[BY_NAME[name].index] > 1 for name in (*MARGINS, "battery_level"))
    scored = not not_applicable(patient.age(utc_date(start)), patient.pregnant)
    return two_of_one or bool(policy.schedules) or policy.finding(MULTIVARIATE) is not None or not scored


def _battery(folded: Folded, moments: I64) -> NDArray[np.bool_]:
    """The first moment after each reading by which a battery is low, charged or neither, and was not before."""
    needed, slots = np.zeros(moments.size, np.bool_), folded.state.slots
    for slot in np.flatnonzero(slots.vital[: slots.size] == _BATTERY).tolist():
        rows = np.flatnonzero((folded.slot == slot) & folded.counts)
        level = (folded.batch.value[rows] >= LOW).astype(np.int8) + (folded.batch.value[rows] >= CHARGED)
        turns = folded.batch.received_at[rows[np.diff(level, prepend=-1) != 0]]
        needed[np.minimum(np.searchsorted(moments, turns), moments.size - 1)] = True
    return needed


def _looks(world: World, folded: Folded, moments: I64, kernels: Kernels) -> Looks:
    slots, batch, size = folded.state.slots, folded.batch, folded.state.slots.size
    bounds = np.searchsorted(folded.slot, np.arange(size + 1))
    sensors = Sensors(
        slots.vital[:size],
        slots.stale[:size],
        slots.stream[:size],
        slots.end[:size],
        np.array([median is not None for median in folded.state.windows.medians()], np.bool_),
    )
    readings = Received(bounds, batch.received_at, batch.measured_at, batch.value, folded.counts, folded.quality)
    found = moment_inputs(moments, readings, sensors, kernels)
    scale2: U8 = np.full(moments.size, bool(world.history.patient.spo2_scale2_by), np.uint8)
    scores = news2_columns(found.inputs, scale2, kernels)
    wanted = np.where((scores[:, POINTS:] >= 0).any(axis=1), graded(scores, found.unsure, kernels).wanted, NOT_KNOWN)
    numbers = np.column_stack([scores[:, (LOWER, UPPER)], scores[:, POINTS:]]).astype(np.int64)
    return Looks(moments, wanted if world.history.policy.news2 else np.zeros_like(wanted), found.touched, numbers)


class Jumping(Pipeline):
    """A pipeline that passes over moments of one patient at which nothing follows."""

    def at_rest(self) -> bool:
        """Can nothing but a deadline, or what comes, change an alert? ``Telling`` holds nothing that any reading may bring out,
        no call waits for room, and no NEWS2 alert may ease at any score."""
        telling = self.state.telling
        if telling.held or any(told.lapsed for told in telling.told.values()):
            return False
        return not any(
            alert.held_until is not None or (alert.rule == RULE and alert.active) for alert in self.book.open_alerts()
        )

    def pass_over(self, quiet: Quiet, place: int, last: int, world: World, start: int) -> int:
        """The place of the next moment that needs a tick, ``last`` at the most. ``start``: since when Vigil is live."""
        return self._gather(quiet, place, min(last, int(quiet.next_tick[place])), world, start)

    def on_turn(self, quiet: Quiet, place: int, world: World, start: int) -> bool:
        """The part of a tick that a changed condition needs, where its moment is there for nothing else: what looks at alerts.
        False: this moment needs all of it."""
        if not (quiet.turned[place] and self.at_rest() and self._gather(quiet, place, place + 1, world, start) > place):
            return False
        now = int(quiet.looks.at[place])
        self._data_loss.tick(now, start)
        self._settle.tick(now)
        self.on_deadline(now)
        return True

    def _gather(self, quiet: Quiet, place: int, last: int, world: World, start: int) -> int:
        """``pass_over`` as far as NEWS2 is concerned."""
        if last <= place:
            return place
        patient, delays = world.history.patient.patient_id, world.history.policy.news2_delays_us
        before, kernels = self._scores.scored_at(patient), self.state.engine.kernels
        end, scored_at = self.state.persistence.pass_over(
            patient, quiet.looks, (place, last), before, delays, start, kernels
        )
        if end > place:
            self._scores.pass_over(patient, scored_at)
            self._scored_position = int(world.history.batch.ordinal[quiet.received[end - 1] - 1])
            self.book.forget_old(int(quiet.looks.at[end - 1]))
        return end

    def forget_touched(self) -> None:
        """Nothing that the score reads has come since the last moment."""
        self._scores.untouch()
