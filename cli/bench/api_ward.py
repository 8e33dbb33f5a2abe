"""Many people with a day of history, for ``vigil bench api``: some wear a sensor all day, the others measure now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from cryptography.fernet import Fernet
from sqlalchemy import insert, update

from cli.bench.ingestion.backlog import VITALS
from vigil.domain.people import Device, Patient
from vigil.domain.readings import F64, I64, U32, ReadingBatch, Stream
from vigil.domain.times import DAY, HOUR, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import Clock
from vigil.runtime.keys import Keys
from vigil.store import Commit
from vigil.store.duck.store import DuckReadingStore
from vigil.store.records.database import Database
from vigil.store.records.names import Names
from vigil.store.records.store import SqlRecordStore
from vigil.store.records.tables import build

#: Beds of a ward.
BEDS = 100
#: Who wears a sensor has these, in the order of ``backlog.records``; a cuff and a thermometer give these.
WORN = ("heart_rate", "spo2", "resp_rate", "bp_sys", "bp_dia", "body_temp")
SPOT = ("bp_sys", "bp_dia", "body_temp")
#: A resting adult as ``backlog.records`` has one: least value, step from one reading to the next, steps until it begins anew.
_USUAL = {
    "heart_rate": (68.0, 1.0, 7),
    "spo2": (96.0, 1.0, 3),
    "resp_rate": (14.0, 1.0, 4),
    "bp_sys": (118.0, 1.0, 7),
    "bp_dia": (76.0, 1.0, 7),
    "body_temp": (36.5, 0.1, 7),
}
#: The cuff that is expected twice a day.
_SPOT_INTERVAL_S = dict.fromkeys(SPOT, 43_200.0)
#: A pressure that calls somebody at once (severe limit of the starting policy).
CRITICAL = 70.0
#: History ends so long before now: the core has to start.
_UNTIL = 30 * SECOND


@dataclass(frozen=True, slots=True)
class People:
    """``worn``: devices that send all day, whose wearers fill the first wards; ``spot``: the others'."""

    worn: tuple[str, ...]
    spot: tuple[str, ...]

    @property
    def devices(self) -> tuple[str, ...]:
        return self.worn + self.spot

    def patient(self, place: int) -> str:
        return f"p-{self.devices[place]}"

    def ward(self, place: int) -> str:
        return f"ward-{place // BEDS:04d}"


def people_of(patients: int, rate: int) -> People:
    """As many wear a sensor as it takes for ``rate`` values a second, if there are so many people."""
    names = tuple(f"bench-{number:05d}" for number in range(patients))
    worn = min(patients, -(-rate // VITALS))
    return People(names[:worn], names[worn:])


def admit(folder: Path, keys: Keys, people: People, clock: Clock) -> None:
    """All of them in one transaction: one by one they would take minutes. Raises ``StoreError``."""
    url, key = f"sqlite:///{folder / 'records.sqlite3'}", keys.record_key.encode()
    SqlRecordStore(url, key).close()
    box = Fernet(key)
    tables, database, start = build(box), Database(url), clock.now_us() - 2 * DAY
    names = Names(tables, box)
    born = date(1950, 1, 1)
    try:
        with database.write() as con:
            for place in range(len(people.devices)):
                who, ward = people.patient(place), people.ward(place)
                names.add(con, Patient(who, f"Bench {place}", "", born, "unknown", ward, demo=True))
            devices = [Device(name, "bench") for name in people.worn]
            devices += [Device(name, "bench", _SPOT_INTERVAL_S) for name in people.spot]
            con.execute(insert(tables.devices), [asdict(one) for one in devices])
            bindings = [
                {"device_id": name, "patient_id": people.patient(place), "start_at": start}
                for place, name in enumerate(people.devices)
            ]
            con.execute(insert(tables.bindings), bindings)
            counters = tables.counters
            con.execute(update(counters).where(counters.c.name == "revision").values(value=counters.c.value + 1))
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class Source:
    """Streams that say a value each at each of ``times``; ``value`` None = what a resting adult shows."""

    streams: Sequence[Stream]
    times: I64
    value: float | None = None

    def between(self, start: int, end: int) -> tuple[U32, I64, F64]:
        """Columns stream, measured time and value."""
        low, high = np.searchsorted(self.times, [start, end])
        part = self.times[low:high]
        number = np.array([one.stream for one in self.streams], np.uint32)
        usual = {BY_NAME[name].index: figures for name, figures in _USUAL.items()}
        base, step, turns = np.array([usual[one.vital] for one in self.streams]).reshape(-1, 3).T
        turn = (np.arange(low, high)[:, None] + number) % turns
        values = base + turn * step if self.value is None else np.full(turn.shape, self.value)
        return np.tile(number, part.size), np.repeat(part, number.size), values.ravel()


def remember(folder: Path, people: People, readings: int, alerts: int, clock: Clock) -> int:
    """Stores a day, in the order in which it would have come: of the first person a heart rate each second, of the other sensors
    ``readings`` in all, of the rest a cuff and a thermometer four times, of the last ``alerts`` of them then a critical pressure.
    How many readings. Raises ``StoreError``."""
    end = (clock.now_us() - _UNTIL) // SECOND * SECOND
    worn, spot = _streams(people.worn, WORN, 0), _streams(people.spot, SPOT, len(people.worn) * len(WORN))
    rate, sparse = worn[:1], worn[1:]
    low = [one for one in spot if one.vital == BY_NAME["bp_sys"].index][-alerts:] if alerts else []
    rounds = max(1, readings // max(len(sparse), 1))
    sources = (
        Source(rate, np.arange(end - DAY, end, SECOND)),
        Source(sparse, np.linspace(end - DAY, end, rounds, endpoint=False).astype(np.int64) // SECOND * SECOND),
        Source(spot, np.arange(end - DAY, end, DAY // 4)),
        Source(low, np.array([end - 1]), CRITICAL),
    )
    store = DuckReadingStore(folder / "readings.duckdb", clock)
    try:
        store.commit(Commit(ReadingBatch.empty(), [*worn, *spot], (), ()))
        for start in range(end - DAY, end, HOUR):
            parts = [one.between(start, start + HOUR) for one in sources if one.streams]
            stream, at, value = (np.concatenate([part[column] for part in parts]) for column in range(3))
            order = np.argsort(at, kind="stable")
            store.commit(Commit(batch_of(stream[order], at[order], value[order]), (), (), ()))
        return store.head()
    finally:
        store.close()


def _streams(devices: Sequence[str], names: Sequence[str], first: int) -> list[Stream]:
    meanings = [(device, BY_NAME[name].index) for device in devices for name in names]
    return [Stream(first + place, device, vital, "") for place, (device, vital) in enumerate(meanings)]


def batch_of(stream: U32, at: I64, value: F64) -> ReadingBatch:
    """Readings that were sent when they were measured, and received at once."""
    size, plain = at.size, np.zeros(at.size, np.uint32)
    return ReadingBatch(
        np.zeros(size, np.uint64), stream, at, at, at, value, np.zeros(size, np.uint16), epoch=plain, seq=plain
    )
