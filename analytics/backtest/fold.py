"""The episode log of one patient: all readings in their one order through the engine, at once.

It is a function of the set of readings, the policy and the detectors. What was received when does not matter, except that what
came more than 24 h late is left out, as live.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.backtest.arrange import group_kernel, taken
from analytics.backtest.patient_level import combinations_found, disagreements
from analytics.backtest.world import World
from analytics.directory import Directory
from analytics.engine.compiled import Kernels
from analytics.engine.conditions import BEGAN, DROPPED, ENDED
from analytics.engine.engine import Judged
from analytics.episodes import Episode, Spans, brought_up, merged
from analytics.intake import stepped
from analytics.lapses import reconfigure
from analytics.limit_alerts import LIMIT, UNVERIFIED
from analytics.order import in_canonical_order
from analytics.patient_detectors import DISAGREEMENT, MULTIVARIATE
from analytics.quality import COUNTS, STUCK
from analytics.scores.grades import Graded, graded
from analytics.scores.minutes import MinuteInputs, PatientReadings, PatientSlots, minute_inputs
from analytics.scores.news2 import news2_columns
from analytics.scores.news2_episodes import GridEpisode, news2_episodes
from analytics.slots import LATENESS_WINDOW
from analytics.state import State
from analytics.stuck import stuck_rows
from vigil.domain.alerts import Kind, Priority
from vigil.domain.news2 import not_applicable
from vigil.domain.readings import I64, U16, U64, ReadingBatch
from vigil.domain.times import utc_date
from vigil.domain.vitals import VITALS

I16 = NDArray[np.int16]
U8 = NDArray[np.uint8]
NEWS2 = "news2"
_OF_RANK = {priority.rank: priority for priority in Priority}


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the episode log. ``priority`` None: by this policy it calls nobody. ``detector`` names who found it."""

    rule: str
    kind: Kind
    priority: Priority | None
    episode: Episode


@dataclass(frozen=True, slots=True)
class Folded:
    """``state``: after all readings, for its slots. ``batch``, ``slot``, ``counts``, ``judged``: the readings judged, ascending
    by slot and time; ``quality``: theirs, with ``analytics.quality.STUCK``. ``calling`` bool (detectors, vitals, 2): which
    conditions may call somebody; ``told``: the rows at which one of these changed; ``decided``: at which one of the same
    detectors did. ``minutes``, ``scores``: NEWS2 by minute, empty where it does not apply; ``grades`` i64: what it calls for
    (``analytics.scores.grades``); ``turns`` u8: 1 in a minute after which another grade has lasted. ``in_order``: no reading
    came after one of its sensor that it belongs before, or that has the same time."""

    log: list[Logged]
    state: State
    batch: ReadingBatch
    slot: I64
    counts: NDArray[np.bool_]
    quality: U16
    decided: I64
    told: I64
    minutes: MinuteInputs
    scores: I16
    grades: I64
    turns: U8
    judged: Judged
    calling: NDArray[np.bool_]
    in_order: bool


def _prepared(world: World, kernels: Kernels | None) -> tuple[State, I64]:
    """A fresh state with all slots configured, and the slot of each reading."""
    directory = Directory(world)
    directory.refresh()
    state = State(directory, world, kernels)
    batch, policy = world.history.batch, world.history.policy
    # The first reading of each stream makes its slot; looking all up while none is known would take several times as long.
    first = sorted(int(np.argmax(batch.stream == each.stream)) for each in world.history.streams)
    if len(batch):
        state.slots.resolve(batch.take(np.array(first, np.intp)))
    slot = state.slots.resolve(batch)
    state.extend()
    version = policy.version
    for each in range(state.slots.size):
        reconfigure(state, each, policy, version)
    return state, slot


def fold(world: World, kernels: Kernels | None = None) -> Folded:
    state, slot = _prepared(world, kernels)
    batch = world.history.batch
    in_time = (slot >= 0) & (batch.received_at - batch.measured_at <= LATENESS_WINDOW)
    if not in_time.all():
        batch, slot = batch.take(in_time), slot[in_time]
    given = slot, batch
    rows, in_order = _ordered(slot, batch, state.engine.kernels)
    batch, slot = taken(batch, rows), slot[rows]
    judged = state.engine.update(slot, batch.measured_at, batch.value, batch.quality)
    counts = judged.gate == COUNTS
    events = stepped(judged, np.arange(slot.size))
    calling = _calling(state, world)
    number, event = events["detector"], events["event"]
    may_call = calling[number, state.slots.vital[slot[event["row"]]], event["side"]]
    of_calling = np.isin(number, np.flatnonzero(calling.any(axis=(1, 2))))
    decided, told = (np.unique(event["row"][(event["what"] != DROPPED) & each]) for each in (of_calling, may_call))
    quality = _with_stuck(batch.quality, stuck_rows(state.engine, judged))
    if in_order and rows.size == given[0].size and batch.received_at is batch.measured_at:
        readings = _as_given(*given, rows, quality, counts)
    else:
        readings = _by_time(batch, quality, slot, counts)
    slots = _of_patient(state)
    minutes, scores = _news2(world, state, readings, slots)
    turns = np.zeros(minutes.minute_end.size, np.uint8)
    wanted = graded(scores, minutes.unsure, state.engine.kernels)
    log = [
        *_logged(state, world, _by_slot(state, events, slot, batch.measured_at)),
        *_news2_logged(world, minutes.minute_end, scores, wanted, state.engine.kernels, turns),
        *_patient_level(world, readings, slots, minutes, state.engine.kernels),
    ]
    log.sort(key=lambda each: (each.episode.onset, each.rule))
    return Folded(
        log,
        state,
        batch,
        slot,
        counts,
        quality,
        decided,
        told,
        minutes,
        scores,
        wanted.wanted,
        turns,
        judged,
        calling,
        in_order,
    )


def _with_stuck(quality: U16, stuck: NDArray[np.bool_]) -> U16:
    if not stuck.any():
        return quality
    result: U16 = quality | np.where(stuck, np.uint16(STUCK), np.uint16(0))
    return result


def _ordered(slot: I64, batch: ReadingBatch, kernels: Kernels) -> tuple[NDArray[np.intp], bool]:
    """Rows in canonical order, and whether of each sensor they came in that order, no two of one time. They mostly did, and then
    they need no sorting."""
    slots, order = int(slot.max(initial=-1)) + 1, np.empty(slot.size, np.int64)
    newest = np.full(slots, np.iinfo(np.int64).min)
    if kernels(group_kernel)(slot, batch.measured_at, np.zeros(slots + 1, np.int64), newest, order):
        return order, True
    order = in_canonical_order(slot, batch)
    return order, _came_in_order(slot[order], batch.ordinal[order], batch.measured_at[order])


def _calling(state: State, world: World) -> NDArray[np.bool_]:
    detectors, findings = state.engine.detectors, world.history.policy.findings
    own = np.zeros((len(detectors), len(VITALS), 2), np.bool_)
    for number, detector in enumerate(detectors):
        limits = detector.name in (LIMIT, UNVERIFIED)
        for vital in np.unique(state.slots.vital[: state.slots.size]).tolist() if limits or findings else ():
            rules = (detector.rule(VITALS[vital].name, side) for side in (0, 1))
            own[number, vital] = [limits or world.history.policy.finding(rule) is not None for rule in rules]
    return own


def _came_in_order(slot: I64, ordinal: U64, at: I64) -> bool:
    late = (slot[1:] == slot[:-1]) & ((ordinal[1:] < ordinal[:-1]) | (at[1:] == at[:-1]))
    return not late.any()


def _by_slot(state: State, events: NDArray[np.void], slot: I64, at: I64) -> Iterator[tuple[int, Spans]]:
    """The episodes of each slot, as ``analytics.episodes`` finds them one after the other."""
    event = events["event"]
    kept = np.flatnonzero(event["what"] != DROPPED)  # no part of any episode
    of = slot[event["row"][kept]]
    kept = kept[np.lexsort((event["row"][kept], event["side"][kept], events["detector"][kept], of))]
    number, event = events["detector"][kept], event[kept]
    first = np.flatnonzero(event["what"] == BEGAN)
    last = np.r_[first[1:], kept.size][: first.size] - 1
    levels = np.maximum.reduceat(event["level"], first) if first.size else event["level"]
    ended = event["what"][last] == ENDED
    columns = (
        slot[event["row"][first]], number[first], event["side"][first], event["onset"][first], ended, event["end"][last],
        event["peak"][last], event["peak_at"][last], levels, at[event["row"][first]], at[event["row"][last]],
    )  # fmt: skip
    found: dict[int, Spans] = {each: {} for each in range(state.slots.size)}
    for of_slot, detector, side, onset, over, end, peak, peak_at, level, decided, closed in zip(
        *(each.tolist() for each in columns), strict=True
    ):
        each = Episode(onset, end if over else None, peak, peak_at, level, decided, closed if over else 0)
        found[of_slot].setdefault((detector, side), []).append(each)
    for of_slot, spans in found.items():
        yield of_slot, brought_up(spans, state.engine.running(of_slot))


def _logged(state: State, world: World, by_slot: Iterator[tuple[int, Spans]]) -> list[Logged]:
    """Episodes of the detectors: several sensors of one vital make one episode."""
    by_rule: dict[tuple[int, int, int], list[Episode]] = {}
    for slot, spans in by_slot:
        vital = int(state.slots.vital[slot])
        for (number, side), found in spans.items():
            by_rule.setdefault((vital, number, side), []).extend(found)
    result = []
    for (vital, number, side), found in by_rule.items():
        detector, name = state.engine.detectors[number], VITALS[vital].name
        limit = world.history.policy.limit(name, ("low", "high")[side])
        for each in merged(found, low=side == 0):
            priority = world.history.policy.finding(detector.rule(name, side))
            if limit is not None and detector.name in (LIMIT, UNVERIFIED):
                severe = each.level == 2 or detector.name != LIMIT
                priority = limit.severe_priority if severe else limit.priority
            result.append(Logged(detector.rule(name, side), detector.kind, priority, each))
    return result


def _by_time(batch: ReadingBatch, quality: U16, slot: I64, counts: NDArray[np.bool_]) -> PatientReadings:
    order = np.argsort(batch.measured_at, kind="stable")  # so that those of one time stay ascending by slot
    return PatientReadings(batch.measured_at[order], slot[order], batch.value[order], counts[order], quality[order])


def _as_given(
    slot: I64, batch: ReadingBatch, rows: NDArray[np.intp], quality: U16, counts: NDArray[np.bool_]
) -> PatientReadings:
    """The same from ``batch`` as it came, which is in order of time when that is one of receipt; ``rows``: its order by slot."""
    quality_then, counted = np.empty_like(quality), np.empty_like(counts)
    quality_then[rows], counted[rows] = quality, counts
    return PatientReadings(batch.measured_at, slot, batch.value, counted, quality_then)


def _of_patient(state: State) -> PatientSlots:
    size, slots = state.slots.size, state.slots
    return PatientSlots(
        slots.vital[:size], slots.stale[:size], slots.spot[:size], slots.stream[:size], slots.end[:size]
    )


def _news2(world: World, state: State, readings: PatientReadings, slots: PatientSlots) -> tuple[MinuteInputs, I16]:
    """Of those for whom NEWS2 is not meant, the minutes without scores."""
    patient = world.history.patient
    minutes = minute_inputs(readings, slots, state.engine.kernels)
    size = minutes.minute_end.size
    scale2 = np.full(size, bool(patient.spo2_scale2_by), np.uint8)
    if size and not_applicable(patient.age(utc_date(int(minutes.minute_end[-1]))), patient.pregnant):
        minutes, scale2 = minutes.take(slice(0)), scale2[:0]
    return minutes, news2_columns(minutes.inputs, scale2, state.engine.kernels)


def _patient_level(
    world: World, readings: PatientReadings, slots: PatientSlots, minutes: MinuteInputs, kernels: Kernels
) -> list[Logged]:
    """Detectors over several streams. That of combinations takes seconds a patient and day, so it runs only where the policy
    lets it call somebody."""
    policy = world.history.policy
    found = [
        Logged(rule, Kind.TECHNICAL, policy.finding(rule), each)
        for vital, spans in disagreements(readings, slots, kernels).items()
        for rule, each in ((f"{DISAGREEMENT}.{vital}", each) for each in spans)
    ]
    if (priority := policy.finding(MULTIVARIATE)) is not None:
        found += [Logged(MULTIVARIATE, Kind.PHYSIOLOGICAL, priority, each) for each in combinations_found(minutes)]
    return found


def _news2_logged(
    world: World, minute_end: I64, scores: I16, wanted: Graded, kernels: Kernels, turns: U8
) -> list[Logged]:
    """Fills ``turns``."""
    policy = world.history.policy
    if not policy.news2:
        return []
    clear_us = round(policy.news2_clear_delay_s * 1e6)
    found = news2_episodes(minute_end, scores, clear_us, kernels, policy.news2_delays_us, turns, wanted)
    return [Logged(NEWS2, Kind.PHYSIOLOGICAL, _OF_RANK[each.level], _episode(each)) for each in found]


def _episode(each: GridEpisode) -> Episode:
    return Episode(
        each.onset, each.end, float(each.peak), each.peak_at, each.level, each.began_at, each.decided_at or 0
    )
