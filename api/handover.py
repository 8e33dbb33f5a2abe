"""The hand-over note as facts: what is open, what happened, what was done, who is not watched, who is next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from api import shape
from api.bedside import note
from api.care import View
from api.context import Context
from api.current import fresh_for
from api.oncall import members, next_change
from api.openalerts import lines_after
from api.shape import Json
from vigil.domain.alerts import Alert, Priority, Transition
from vigil.domain.errors import NotFound
from vigil.domain.handover import bounded, bounds, course, happened, shift_began
from vigil.domain.order import in_main_lane
from vigil.domain.people import MANUAL_PREFIX, Patient
from vigil.domain.scores import CoverageState, Score
from vigil.domain.self_test import PLATFORM
from vigil.domain.teams import DEFAULT_TEAM, holes, last_level, on_call, team_of_ward
from vigil.domain.times import HOUR, MINUTE
from vigil.store import RecordStore

#: A score's course is told over this time.
COURSE_US = 8 * HOUR
#: Scores are stored once a minute; the first of the time is looked for here before all are read.
_FIRST_US = 10 * MINUTE
_EVERY_SCORE = 10_000
#: A device that never sent anything is told after this time on a patient (ours: five minutes to put it on and switch it on).
NEVER_HEARD_US = 5 * MINUTE

_OF_ALERT = (
    "id", "kind", "priority", "state", "condition", "handling", "title", "text", "zh", "opened_at", "retrospective",
    "amended", "acknowledged_at", "note", "escalation_level", "snoozed_until", "snoozed_by", "snooze_reason",
    "suppressed_by", "held_until", "accept_by",
)  # fmt: skip


def handover(here: Context, view: View, ward: str, names: bool) -> Json:
    """``names`` False leaves out names and what nurses wrote. Raises ``NotFound`` for a ward without patients and team, and for
    one that is not in ``view``."""
    if not view.ward(ward):
        raise NotFound("no such ward")
    now, records = here.deps.clock.now_us(), here.deps.records
    people = {one.patient_id: one for one in records.patients(include_discharged=True) if one.ward == ward}
    present = {one.patient_id: one for one in people.values() if one.discharged_at is None}
    team = team_of_ward(records.teams(), ward)
    if not people and team is DEFAULT_TEAM:
        raise NotFound("no such ward")
    since = shift_began(team, now)
    lines = [line for line in lines_since(records, since) if line.after.patient_id in people]
    shown = {one.patient_id: _person(one, names) for one in people.values()}
    return {
        "ward": ward,
        "at": shape.iso(now),
        "timezone": team.rota.timezone,
        "since_at": shape.iso(since),
        "team_id": team.team_id or None,
        "on_call": members(team, on_call(team, now)),
        "filled": team is not DEFAULT_TEAM and bool(holes(team, now, now + 1)),
        "next": next_change(team, now),
        "patients": len(present),
        "alerts": _alerts(here, view, people, shown, names),
        "happened": asdict(happened(lines, last_level(team))),
        "news2": [_news2(here, one, shown[one], now) for one in present],
        "not_watched": _not_watched(here, present, shown, names),
        "silent_devices": _silent(here, present, shown, now),
        "notes": _notes(records, present, shown, since, names),
    }


def _person(patient: Patient, names: bool) -> Json:
    name = {"family": patient.family, "given": patient.given} if names else None
    return {"id": patient.patient_id, "name": name}


def _alerts(here: Context, view: View, people: Mapping[str, Patient], shown: Mapping[str, Json], names: bool) -> Json:
    """Open ones by priority in the order of the work list; technical ones, and those about Vigil itself, apart."""
    lanes: dict[str, list[Json]] = {**{one.value: [] for one in Priority}, "technical": []}
    for alert in here.ward.open_alerts(view):
        if alert.patient_id in people or alert.patient_id == PLATFORM:
            lane = alert.priority.value if in_main_lane(alert) else "technical"
            lanes[lane].append(_alert(alert, shown.get(alert.patient_id), names))
    return dict(lanes)


def _alert(alert: Alert, patient: Json | None, names: bool) -> Json:
    row = shape.alert(alert, names)
    return {
        "patient": patient,
        "owner": alert.owner or alert.acknowledged_by,
        **{key: row[key] for key in _OF_ALERT},
    }


def lines_since(records: RecordStore, since: int) -> list[Transition]:
    """Of the alerts' log, in order. The log has no index by time, but times grow with positions: halving finds the place."""
    low, high = 0, records.last_seq()
    while low < high:
        middle = (low + high) // 2
        after = records.transitions(after_seq=middle, limit=1, include_test=True)
        if after and after[0].at < since:
            low = after[0].seq
        else:
            high = middle
    return [line for line in lines_after(records, low) if line.at >= since]


def _news2(here: Context, patient_id: str, person: Json, now: int) -> Json:
    """Now, and first in the last eight hours; null where there is none."""
    first, last = _first(here, patient_id, now), _last(here, patient_id, now)
    went = course(first, last).value if first is not None and last is not None else None
    return {"patient": person, "first": _bounds(first), "now": _bounds(last), "course": went}


def _first(here: Context, patient_id: str, now: int) -> Score | None:
    stored, begin = here.deps.readings.scores, now - COURSE_US
    found = bounded(stored(patient_id, begin, begin + _FIRST_US, _EVERY_SCORE))
    return next(iter(found or bounded(stored(patient_id, begin, now + 1, _EVERY_SCORE))), None)


def _last(here: Context, patient_id: str, now: int) -> Score | None:
    live = here.deps.bus.board.score(patient_id)
    found = [live] if live is not None else here.deps.readings.scores(patient_id, now - COURSE_US, now + 1, 1)
    return next(iter(bounded(found)), None)


def _bounds(score: Score | None) -> Json | None:
    if score is None:
        return None
    lower, upper = bounds(score)
    return {
        "at": shape.iso(score.at),
        "lower": lower,
        "upper": upper,
        "single_3": score.single_3,
        "missing": list(score.missing),
    }


def _notes(
    records: RecordStore, present: Mapping[str, Patient], shown: Mapping[str, Json], since: int, names: bool
) -> list[Json]:
    """What was noted and done since the shift began and was not struck, oldest first."""
    found = (one for patient_id in present for one in records.notes.of_patient(patient_id, since=since))
    standing = sorted((one for one in found if not one.struck_by), key=lambda one: one.note_id)
    return [{"patient": shown[one.patient_id], **note(one, names)} for one in standing]


def _not_watched(here: Context, present: Mapping[str, Patient], shown: Mapping[str, Json], names: bool) -> list[Json]:
    """Who is not or only partly watched, the longest first; of a planned pause the reason."""
    found = [here.ward.coverage(patient_id) for patient_id in present]
    gaps = sorted((one for one in found if one.state is not CoverageState.WATCHED), key=lambda one: one.since)
    rows = [{"patient": shown[one.patient_id], **shape.coverage(one)} for one in gaps]
    for row in rows if names else ():
        if row["until_at"] is not None:
            newest = here.deps.records.pauses.of_patient(row["patient"]["id"], 1)
            if newest:
                row |= {"why": newest[0].reason, "zh": None}
    return rows


def _silent(here: Context, present: Mapping[str, Patient], shown: Mapping[str, Json], now: int) -> list[Json]:
    """Worn devices of which nothing came for longer than the shortest-lived of their values is fresh."""
    devices = {one.device_id: one for one in here.deps.records.devices()}
    latest = here.deps.readings.latest()
    heard: dict[str, int] = {}
    patience: dict[str, int] = {}
    for stream in here.deps.readings.streams():
        name, number = stream.device_id, stream.stream
        # A value of bad quality is a sign of life too: of those only the measured time is kept.
        heard[name] = max(heard.get(name, 0), int(latest.received_at[number]), int(latest.seen_at[number]))
        fresh = fresh_for(stream.vital, devices.get(name))
        patience[name] = min(patience.get(name, fresh), fresh)
    silent = []
    for binding in here.deps.records.bindings():
        name = binding.device_id
        if binding.end is not None or binding.patient_id not in present or name.startswith(MANUAL_PREFIX):
            continue
        last = heard.get(name, 0)
        if now - max(last, binding.start) > patience.get(name, NEVER_HEARD_US):
            since = shape.iso(last) if last else None
            silent.append({"device_id": name, "patient": shown[binding.patient_id], "last_heard_at": since})
    return silent
