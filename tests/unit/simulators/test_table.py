from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from ingest.batch import Pack as Taken
from ingest.batch import columns_of
from ingest.decode import decode
from ingest.time import stand
from ingest.validate import validate
from simulators.device import DeviceSettings
from simulators.faults import Fault, FaultKind
from simulators.patient import VirtualPatient
from simulators.table import ReadingTable, readings
from tests.unit.simulators.watching import AFTERNOON_US, SECOND, watch
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_WIRE
from vigil.runtime.mqtt import Message
from vigil.wire import packs as wire
from vigil.wire import topics

SECONDS = 600


def table(faults: Sequence[Fault] = (), step_s: float = 1.0, seconds: int = SECONDS) -> ReadingTable:
    patient = VirtualPatient(5, "sepsis_home", faults, AFTERNOON_US, step_s, offset_h=18.0)
    return readings(patient, AFTERNOON_US + (seconds - 1) * SECOND)


def received_s(shown: ReadingTable, name: str) -> list[int]:
    of_vital = shown.vital == BY_WIRE[name].index
    return [(int(at) - AFTERNOON_US) // SECOND for at in shown.received_at[of_vital]]


def test_the_table_holds_what_the_packs_say() -> None:
    shown = table()
    sent = watch(5, "sepsis_home", SECONDS, offset_h=18.0)
    said = [(BY_WIRE[r.name].index, r.t_us, r.value) for pack in sent for r in pack.records]
    found = zip(shown.vital.tolist(), shown.measured_at.tolist(), shown.value.tolist(), strict=True)
    assert [(vital, at, None if math.isnan(value) else value) for vital, at, value in found] == said
    assert np.array_equal(shown.received_at, shown.measured_at)
    assert np.unique(shown.seq).tolist() == list(range(SECONDS))
    assert (shown.sites, set(shown.site.tolist())) == (("",), {0})


def test_columns_have_their_types_and_one_length() -> None:
    shown = table(seconds=30)
    columns = {name: getattr(shown, name) for name in shown.__slots__ if name != "sites"}
    types = {name: column.dtype for name, column in columns.items()}
    assert types == {
        "vital": np.int16,
        "measured_at": np.int64,
        "received_at": np.int64,
        "value": np.float64,
        "quality": np.uint16,
        "site": np.int16,
        "seq": np.uint32,
    }
    assert {column.size for column in columns.values()} == {len(shown)}


def test_backfill_is_received_when_the_connection_is_back() -> None:
    shown = table([Fault(FaultKind.OFFLINE, 100, 50)])
    assert received_s(shown, "rr") == [*range(100), *[150] * 50, *range(150, SECONDS)]
    assert np.array_equal(shown.measured_at, table().measured_at)


def test_what_still_waits_for_a_connection_is_not_in_it() -> None:
    assert received_s(table([Fault(FaultKind.OFFLINE, 100, math.inf)]), "rr") == list(range(100))


def test_joined_packs_are_received_when_they_are_complete() -> None:
    patient = VirtualPatient(5, "stable", (), AFTERNOON_US, settings=DeviceSettings(joined_steps=10))
    shown = readings(patient, AFTERNOON_US + 29 * SECOND)
    assert received_s(shown, "rr") == [*[9] * 10, *[19] * 10, *[29] * 10]
    assert np.unique(shown.seq).tolist() == [0, 1, 2]


def test_copies_count_once_and_a_dead_device_says_nothing() -> None:
    storm, quiet = table([Fault(FaultKind.DUPLICATES, 100, 50)]), table()
    assert np.array_equal(storm.value, quiet.value, equal_nan=True)
    dead = received_s(table([Fault(FaultKind.DEAD_BATTERY, 100, math.inf, amount=50)]), "rr")
    assert dead == list(range(150))


def test_a_patient_that_has_begun_goes_on() -> None:
    patient = VirtualPatient(5, "sepsis_home", (), AFTERNOON_US, offset_h=18.0)
    parts = [readings(patient, AFTERNOON_US + second * SECOND) for second in (299, SECONDS - 1)]
    assert np.array_equal(np.concatenate([part.value for part in parts]), table().value, equal_nan=True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.LOOSE_PROBE, 30, 60),
        Fault(FaultKind.LOW_PERFUSION, 30, 300),
        Fault(FaultKind.CLOCK_JUMP, 30, 60, amount=4.0),
        Fault(FaultKind.CLOCK_JUMP, 30, 60, amount=3600.0),
        Fault(FaultKind.CLOCK_JUMP, 30, 60, amount=-3600.0),
        Fault(FaultKind.CLOCK_JUMP, 30, 60, amount=90_000.0),
        Fault(FaultKind.CLOCK_RESET, 30, 60),
    ],
    ids=lambda fault: f"{fault.kind}{fault.amount or ''}",
)
def test_the_platform_stores_the_same(fault: Fault) -> None:
    """The real steps of stage 2, on packs received when they are due; of times, the rules without an estimate of the clock, for a
    table has none. (The platform itself keeps live values of a clock that was never set.)"""
    shown = table([fault])
    taken: list[Taken] = []
    for number, pack in enumerate(watch(5, "sepsis_home", SECONDS, [fault], offset_h=18.0)):
        payload = wire.write(pack.device_id, 7, number, pack.records, cbor=True)
        topic = topics.telemetry("t", pack.device_id, "vitals")
        taken.append(decode(Message(topic, payload, mid=number, qos=1, connection=1, received_at=pack.due_us)))
    stored = columns_of(taken)
    stand(taken, stored)
    validate(taken, stored)
    # Inside a pack the order is the encoder's; each vital is there once.
    mine = np.lexsort((shown.vital, shown.seq))
    theirs = np.lexsort((stored.vital, stored.pack))
    theirs = theirs[stored.keep[theirs]]
    for name in ("vital", "measured_at", "received_at", "value", "quality"):
        one, other = getattr(shown, name)[mine], getattr(stored, name)[theirs]
        assert np.array_equal(one, other, equal_nan=name == "value"), name
    if fault.kind is FaultKind.CLOCK_JUMP and fault.amount == 3600.0:
        assert (shown.quality & Quality.CLOCK_AHEAD).any()


def test_many_hours_are_quick_at_a_long_step() -> None:
    """Ten days of minutes: 14,400 steps with at least four values each."""
    shown = table(step_s=60.0, seconds=10 * 86_400)
    assert len(shown) > 4 * 14_400
    assert np.all(np.diff(shown.received_at) >= 0)
