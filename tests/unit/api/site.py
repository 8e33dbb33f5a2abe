"""A small whole site for the tests of the api: the real embedded stores, a clock that is moved by hand, no broker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from cryptography.fernet import Fernet
from fastapi import FastAPI

from api.app import create_app
from api.auth import Role, Tokens
from api.context import Context
from api.deps import ApiDeps, Check, ManualEntry, MqttAccess
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Evidence, Kind, Priority, Transition
from vigil.domain.lifecycle import Began, Event, Finding, Stamp, apply
from vigil.domain.people import Device, Patient
from vigil.domain.phrases import phrase
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.quality import Quality
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch, Stream
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import ManualClock
from vigil.store import Commit, DeadLetter
from vigil.store.duck import DuckReadingStore
from vigil.store.records import SqlRecordStore

SECRET = "open-sesame-for-tests"
KEY = b"0123456789abcdef0123456789abcdef"
START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@dataclass
class Site:
    """Stores, bus, clock and app of one test."""

    readings: DuckReadingStore
    records: SqlRecordStore
    bus: Bus
    clock: ManualClock
    deps: ApiDeps
    app: FastAPI
    entries: list[ManualEntry]
    accounts: list[tuple[str, list[str]]]
    counted: list[str]
    checks: dict[str, Check]
    streams: dict[tuple[str, str], Stream] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        context = self.app.state.context
        assert isinstance(context, Context)
        return context

    def given(self, **change: Any) -> Site:
        """The same site with an app that was handed something else."""
        deps = replace(self.deps, **change)
        return replace(self, deps=deps, app=create_app(deps))

    def token(self, role: Role | str, name: str = "Li Na") -> str:
        return Tokens(KEY, self.clock).issue(name, Role(role))[0]

    def call(
        self, method: str, path: str, role: Role | str | None = "nurse", name: str = "Li Na", **rest: Any
    ) -> httpx.Response:
        """One request, straight into the application."""
        headers = {"Authorization": f"Bearer {self.token(role, name)}"} if role is not None else {}
        headers |= rest.pop("headers", {})

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:
                return await client.request(method, path, headers=headers, **rest)

        return asyncio.run(ask())

    def get(self, path: str, role: Role | str | None = "nurse", **rest: Any) -> httpx.Response:
        return self.call("GET", path, role, **rest)

    def post(self, path: str, body: Any, role: Role | str | None = "nurse", **rest: Any) -> httpx.Response:
        return self.call("POST", path, role, json=body, **rest)

    def admit(self, patient_id: str, device_id: str | None = None, **change: Any) -> Patient:
        """A patient, wearing ``device_id`` from now on."""
        patient = Patient(patient_id, "Marker-Family", "Marker-Given", date(1948, 3, 12), "female", "north")
        self.records.add_patient(replace(patient, **change))
        if device_id is not None:
            self.records.put_device(Device(device_id, "patch-2"))
            self.records.bind(device_id, patient_id, self.clock.now_us())
        return patient

    def store(
        self,
        device_id: str,
        vital: str,
        values: Sequence[float],
        *,
        start: int | None = None,
        step_s: float = 1.0,
        quality: int | Quality = 0,
        seq: int = NO_SEQUENCE,
    ) -> ReadingBatch:
        """Readings of one stream, the last one measured now unless ``start`` is given; received when measured."""
        size = len(values)
        step = round(step_s * 1e6)
        first = self.clock.now_us() - (size - 1) * step if start is None else start
        key = (device_id, vital)
        new = key not in self.streams
        if new:
            self.streams[key] = Stream(len(self.streams), device_id, BY_NAME[vital].index, "")
        stream = self.streams[key]
        at = first + np.arange(size, dtype=np.int64) * step
        batch = ReadingBatch(
            ordinal=np.zeros(size, np.uint64),
            stream=np.full(size, stream.stream, np.uint32),
            measured_at=at,
            device_time=at,
            received_at=at + 120_000,
            value=np.asarray(values, np.float64),
            quality=np.full(size, int(quality), np.uint16),
            epoch=np.full(size, 0 if seq != NO_SEQUENCE else NO_SEQUENCE, np.uint32),
            seq=np.full(size, seq, np.uint32),
        )
        stored = self.readings.commit(Commit(batch, [stream] if new else [], [], []))
        self.bus.readings.publish(stored)
        return stored

    def refuse(self, *letters: DeadLetter) -> None:
        self.readings.commit(Commit(ReadingBatch.empty(), [], [], letters))

    def raise_alert(
        self,
        patient_id: str,
        rule: str = "limit.spo2.low",
        priority: Priority = Priority.MEDIUM,
        kind: Kind = Kind.PHYSIOLOGICAL,
    ) -> Alert:
        evidence = Evidence(
            "SpO2 84 %, below 90 % for 15 s.", ({"vital": "spo2", "value": 84.0, "measured_at": START},)
        )
        finding = Finding(patient_id, rule, kind, priority, "SpO2 low", evidence, self.clock.now_us(), "w-1")
        return self.happen(
            None, Began(Stamp(f"ordinal:{self.records.last_seq() + 1}", self.clock.now_us()), finding)
        ).after

    def happen(self, alert: Alert | None, event: Event) -> Transition:
        """What analytics would do with ``event``."""
        line = apply(alert, event, DEFAULT_POLICY)
        assert line is not None
        recorded = self.records.record(line)
        assert recorded is not None
        self.bus.transitions.publish(recorded)
        return recorded

    def close(self) -> None:
        self.readings.close()
        self.records.close()


def open_site(folder: Path, web_root: Path | None = None) -> Site:
    clock = ManualClock(START)
    readings = DuckReadingStore(folder / "readings.duckdb", clock)
    records = SqlRecordStore(f"sqlite:///{folder / 'records.db'}", Fernet.generate_key())
    bus = Bus()
    entries: list[ManualEntry] = []
    accounts: list[tuple[str, list[str]]] = []
    counted: list[str] = []
    checks = {"readings": Check(True, [phrase("check.up_to_date")])}

    def submit(entry: ManualEntry) -> list[int]:
        entries.append(entry)
        return list(range(1, len(entry.values) + 1))

    def access(username: str, devices: list[str]) -> MqttAccess:
        accounts.append((username, devices))
        return MqttAccess("127.0.0.1", 1883, username, f"pass-{len(accounts)}")

    deps = ApiDeps(
        readings=readings,
        records=records,
        bus=bus,
        clock=clock,
        token_key=KEY,
        first_run_secret=SECRET,
        tenant="home",
        submit=submit,
        provision_device=lambda device_id: access(device_id, [device_id]),
        provision_gateway=access,
        revoke=lambda account: accounts.append((account, [])),
        gateways=lambda: {name: tuple(devices) for name, devices in accounts if name.startswith("g-")},
        count_enrolment=counted.append,
        checks={"readings": lambda: checks["readings"]},
        metrics=lambda: b"# nothing counted\n",
        web_root=web_root,
    )
    return Site(readings, records, bus, clock, deps, create_app(deps), entries, accounts, counted, checks)
