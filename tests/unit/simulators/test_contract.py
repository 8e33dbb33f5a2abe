"""What the simulators say can be said on the wire, and every value of it is accepted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from simulators.device import DeviceSettings
from simulators.faults import Fault, FaultKind
from simulators.packs import Pack
from simulators.patient import VirtualPatient
from simulators.recording import packs
from simulators.replay import load_recordings
from simulators.sensors import Sensor
from tests.unit.simulators.test_replay import INFO, NUMERICS
from tests.unit.simulators.watching import AFTERNOON_US, SECOND
from vigil.domain.errors import Refused
from vigil.domain.vitals import VITALS
from vigil.wire.packs import read, write


def said_and_heard(pack: Pack, cbor: bool) -> tuple[list[str], list[str]]:
    heard = read(write(pack.device_id, 7, 1, pack.records, cbor=cbor), pack.device_id)
    assert heard.refused == []
    columns = zip(heard.vital, heard.site, heard.time_us, heard.value, strict=True)
    got = [(VITALS[v].wire, site, t, None if math.isnan(value) else value) for v, site, t, value in columns]
    sent = [(record.name, record.site or "", record.t_us, record.value) for record in pack.records]
    return sorted(map(str, sent)), sorted(map(str, got))


def read_or_reason(pack: Pack, cbor: bool) -> str:
    try:
        heard = read(write(pack.device_id, 7, 1, pack.records, cbor=cbor), pack.device_id)
    except Refused as refused:
        return refused.reason.value
    reasons = {item["reason"] for item in heard.refused}
    return str(reasons.pop()) if reasons else "understood"


@pytest.mark.parametrize("cbor", [False, True])
@pytest.mark.parametrize("joined", [1, 10])
def test_a_virtual_patient_is_understood(cbor: bool, joined: int) -> None:
    faults = [
        Fault(FaultKind.LOOSE_PROBE, 30, 60),
        Fault(FaultKind.MOTION, 100, 30),
        Fault(FaultKind.LOW_PERFUSION, 140, 20),
    ]
    settings = DeviceSettings(joined_steps=joined, sensors=tuple(Sensor))
    patient = VirtualPatient(6, "sepsis_home", faults, AFTERNOON_US, settings=settings, offset_h=20.0)
    sent = patient.advance(AFTERNOON_US + 179 * SECOND)
    assert len(sent) == 180 // joined
    for pack in sent:
        said, heard = said_and_heard(pack, cbor)
        assert heard == said


@pytest.mark.parametrize("cbor", [False, True])
@pytest.mark.parametrize("kind", [FaultKind.CLOCK_JUMP, FaultKind.CLOCK_RESET])
def test_a_wrong_clock_is_understood_or_refused_by_name(cbor: bool, kind: FaultKind) -> None:
    patient = VirtualPatient(6, "stable", [Fault(kind, 3, 5)], AFTERNOON_US)
    for second, pack in enumerate(patient.advance(AFTERNOON_US + 9 * SECOND)):
        heard = read_or_reason(pack, cbor)
        zero = second == 3 and kind is FaultKind.CLOCK_RESET
        assert heard == ("time_relative" if zero else "understood"), "1970 is an absolute time from 1 s on"


@pytest.mark.parametrize("joined", [1, 3])
def test_a_recording_is_understood(tmp_path: Path, joined: int) -> None:
    (tmp_path / "numerics_1hz.csv").write_text(NUMERICS, encoding="utf-8")
    (tmp_path / "fixed_info.txt").write_text(INFO, encoding="utf-8")
    for recording in load_recordings("bidmc", tmp_path):
        for _, pack in packs(recording, AFTERNOON_US, joined):
            said, heard = said_and_heard(pack, cbor=True)
            assert heard == said
