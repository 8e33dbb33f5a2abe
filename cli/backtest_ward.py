"""The ward with labels as a back-test's source: made once for its numbers and the version of the simulator, with faults also for
that of ingest, then kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from analytics.backtest.run import Source
from analytics.lab.labels import Event, FaultSpan, Labels
from cli.backtest_received import ingest_version, write_received
from simulators.export import START_US
from simulators.lab_export import write_ward
from simulators.lab_ward import SETTLED_H, STEP_S, LabBed, WardPlan, lab_ward, version
from vigil.domain.errors import ConfigError, InvalidInput
from vigil.domain.people import Patient
from vigil.domain.times import HOUR, utc_date

#: Scenarios that tuning must not look at (page "Evaluation", rule 2): one family, bleeding.
LEFT_OUT = ("bleed",)
#: Seeds from here on are for testing, and every look is counted.
FIRST_TEST_SEED = 1000

_AGES = ((40, "under 40"), (60, "40 to 59"), (75, "60 to 74"), (999, "75 and over"))


@dataclass(frozen=True, slots=True)
class MadeWard:
    folder: Path
    source: Source
    labels: Labels


def seed_of(text: str) -> int:
    """A number, or ``commit:<hash>``: the test seed that belongs to the commit in which the simulator was frozen.

    >>> seed_of("1"), seed_of("commit:00000001ab")
    (1, 1001)
    """
    kind, _, commit = text.rpartition(":")
    try:
        return FIRST_TEST_SEED + int(commit[:8], 16) if kind == "commit" else int(text)
    except ValueError as error:
        raise InvalidInput(f"--seed is a number or commit:<hash>, not {text}") from error


def made_ward(
    plan: WardPlan, out: Path, *, faulty: bool, workers: int, progress: Callable[[int, int], None]
) -> MadeWard:
    """Raises ``ScenarioError`` for a ward too small or too large, ``ConfigError`` or ``InvalidInput`` when it cannot be kept."""
    beds = lab_ward(plan)
    folder = out / f"ward-{plan.count}-{plan.days}-{plan.seed}-{version()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write into {out}: {error.strerror}") from error
    path = folder / (f"faulty-{ingest_version()}.parquet" if faulty else "sound.parquet")
    if not path.is_file() and faulty:
        write_received(plan, path, workers=workers, progress=lambda done: progress(done, plan.count))
    elif not path.is_file():
        write_ward(plan, path, faulty=False, workers=workers, progress=lambda done: progress(done, plan.count))
    return MadeWard(
        folder, Source(path, people=tuple(_person(bed) for bed in beds)), _labels(plan, beds, faulty=faulty)
    )


def _person(bed: LabBed) -> Patient:
    """Who has COPD is one for whom SpO2 scale 2 is prescribed, as the truth takes it."""
    born = date(utc_date(START_US).year - bed.who.age, 1, 1)
    scale2 = "clinician" if bed.who.copd else ""
    return Patient(bed.patient_id, "", "", born, bed.who.sex, "lab", spo2_scale2_by=scale2, demo=True)


def _labels(plan: WardPlan, beds: tuple[LabBed, ...], *, faulty: bool) -> Labels:
    devices = "with a device fault on top of every event, as ingest stores it" if faulty else "no device faults"
    return Labels(
        origin=(
            f"simulated ward: {plan.count} patients, {plan.days} days, seed {plan.seed}, simulator {version()}, {devices}; "
            f"continuous vitals each {STEP_S:.0f} s, cuff each 15 min"
        ),
        events=tuple(event for bed in beds for event in _events(bed, faulty=faulty)),
        groups={bed.patient_id: _groups(bed) for bed in beds},
        spans=tuple(
            FaultSpan(bed.patient_id, span.name, _at(span.start_h), _at(span.end_h))
            for bed in beds
            for span in bed.spans
        )
        if faulty
        else (),
        left_out=LEFT_OUT,
    )


def _events(bed: LabBed, *, faulty: bool) -> list[Event]:
    harmful = [each for each in bed.illnesses if each.harmful]
    return [
        Event(
            event_id=f"{bed.patient_id}.{number}",
            patient=bed.patient_id,
            scenario=bed.scenario,
            onset=_at(max(each.onset_h, SETTLED_H)),
            critical_at=_at(each.worst_at_h),
            late_start=each.onset_h < SETTLED_H,
            fault=bed.spans[number].name if faulty else "",
        )
        for number, each in enumerate(harmful)
    ]


def _at(hours: float) -> int:
    return START_US + round(hours * HOUR)


def _groups(bed: LabBed) -> dict[str, str]:
    bias = int(bed.spo2_bias)
    return {
        "sex": bed.who.sex,
        "age": next(name for below, name in _AGES if bed.who.age < below),
        "oximeter reads too high by": "0" if bias == 0 else "1 to 2" if bias <= 2 else "3 to 4",
        "beta-blocker": "yes" if bed.who.beta_blocker else "no",
        "life": bed.scenario,
    }
