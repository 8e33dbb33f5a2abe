"""A core that starts again with a whole ward in its snapshot."""

from __future__ import annotations

from pathlib import Path

from tests.unit.analytics.ward import START, Value, Ward, patient
from vigil.domain.people import Device
from vigil.domain.times import SECOND

PEOPLE = [f"p-{number}" for number in range(100)]
VITALS = {"spo2": 97.0, "resp_rate": 15.0, "heart_rate": 70.0}


def test_hundreds_of_streams_are_judged_before_the_first_reading_comes(tmp_path: Path) -> None:
    ward = Ward(tmp_path / "analytics.npz")
    for patient_id in PEOPLE:
        ward.records.add_patient(patient(patient_id))
        ward.records.put_device(Device(f"w-{patient_id}", "wearable"))
        ward.records.bind(f"w-{patient_id}", patient_id, START - 3600 * SECOND)
    ward.send(*(Value(vital, 0, value, device_id=f"w-{each}") for each in PEOPLE for vital, value in VITALS.items()))
    ward.tick(1)
    before = ward.bus.board.score(PEOPLE[-1])
    ward.analytics.save()
    ward.restarted().catch_up()
    ward.tick(2)
    ward.send(Value("spo2", 3, 97.0, device_id=f"w-{PEOPLE[-1]}"))
    ward.tick(3)
    after = ward.bus.board.score(PEOPLE[-1])
    assert before is not None
    assert after is not None
    assert after.lower == before.lower
