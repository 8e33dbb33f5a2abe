"""The alarm burden of an interval, from the records."""

from __future__ import annotations

from dataclasses import asdict

from api.care import View
from api.shape import Json, iso
from vigil.domain.burden import By, Exposure, Row, Share, subgroups, table, total
from vigil.domain.exposure import nurse_us, watched_us
from vigil.domain.people import Patient
from vigil.domain.teams import last_level, team_of_ward
from vigil.store import RecordStore


def burden(records: RecordStore, view: View, since: int, until: int, by: By, now: int) -> Json:
    """[since, until), microseconds UTC, of the patients of ``view``. Time to come counts for nobody's watch. The self-test is
    left out."""
    patients = [one for one in records.patients(include_discharged=True) if view.patient(one.patient_id)]
    exposure = _exposure(records, patients, since, min(until, now))
    courses = [one for one in records.courses(since, until) if view.about(one.patient_id, one.rule)]
    return {
        "since": iso(since),
        "until": iso(until),
        "by": by.value,
        "patients": len(exposure.watched_us),
        "patient_days": exposure.patient_days,
        "nurse_hours": exposure.nurse_hours,
        "total": _row(total(courses, exposure)),
        "rows": [_row(row) for row in table(courses, by, exposure)],
        "subgroups": [asdict(group) for group in subgroups(courses, patients, exposure, until)],
    }


def _exposure(records: RecordStore, patients: list[Patient], since: int, until: int) -> Exposure:
    wards = {patient.patient_id: patient.ward for patient in patients}
    worn = watched_us((one for one in records.bindings() if one.patient_id in wards), since, until)
    teams = records.teams()
    levels = {ward: last_level(team_of_ward(teams, ward)) for ward in set(wards.values())}
    nurses = nurse_us(teams, {wards[patient_id] for patient_id in worn}, since, until)
    return Exposure(worn, nurses, {patient_id: levels[ward] for patient_id, ward in wards.items()})


def _row(row: Row) -> Json:
    return {
        "rule": row.rule,
        "policy_version": row.policy_version,
        "priority": None if row.priority is None else row.priority.value,
        **{name: getattr(row, name) for name in _COUNTS},
        "interruptions_per_patient_day": row.per_patient_day,
        "interruptions_per_nurse_hour": row.per_nurse_hour,
        "verdicts": {word.value: number for word, number in row.verdicts.items()},
        "true": _share(row.true),
        "useful": _share(row.useful),
    }


_COUNTS = (
    "alerts", "carried", "joined", "held", "interruptions", "acknowledged", "acknowledge_median_s", "escalated", "unanswered",
    "self_limited", "self_limited_share", "busiest_tenth",
)  # fmt: skip


def _share(share: Share) -> Json:
    return asdict(share)
