"""A site with two wards that have nothing to do with each other, and people who belong to one of them.

Whatever is of the other ward carries ``MARK``: ids, names, words, even the name of the ward.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from api.audit import audit_log
from api.auth import Principal, Role
from tests.unit.api.site import START, Site, open_site
from tests.unit.api.test_risk import prediction
from tests.unit.api.test_teams import document
from tests.unit.api.test_ward import news2
from vigil.domain.alerts import Alert
from vigil.domain.deliveries import APP, Target
from vigil.domain.device_settings import DeviceSettings
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.lifecycle import Acknowledge, Snooze, Stamp, apply
from vigil.domain.people import Device
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.team_file import read_team
from vigil.domain.times import DAY, HOUR, MINUTE
from vigil.domain.users import User
from vigil.domain.whose import Weight, WhoseQuestion
from vigil.store import DeadLetter

OWN, MARK = "aaa", "bbb"
FHIR = "application/fhir+json"

Headers = dict[str, str]


@dataclass(frozen=True)
class Ask:
    """One request. ``form``: sent as a form."""

    method: str
    path: str
    json: Any = None
    form: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"


@dataclass(frozen=True)
class Of:
    """What a ward has, by the names that parameters of paths have."""

    ward: str
    patient_id: str
    device_id: str
    gateway_id: str
    team_id: str
    question_id: int
    alert_id: str
    snoozed_id: str

    def named(self) -> dict[str, str]:
        names = ("patient_id", "device_id", "gateway_id", "team_id", "alert_id", "ward")
        return {**{name: getattr(self, name) for name in names}, "question_id": str(self.question_id)}


@dataclass
class TwoWards:
    site: Site
    own: Of
    other: Of

    @cached_property
    def nurse(self) -> Headers:
        """Of the own ward, as all here but ``whole``."""
        return self.log_in("li", Role.NURSE, [OWN])

    @cached_property
    def admin(self) -> Headers:
        """Has every right that can be had for one ward, so that no route hides behind a missing one."""
        return self.log_in("ada", Role.ADMIN, [OWN])

    @cached_property
    def whole(self) -> Headers:
        """Sees all wards."""
        return self.bearer(Role.ADMIN)

    def log_in(self, name: str, role: Role, wards: Sequence[str] | None) -> Headers:
        """Headers of a session of this person, whose account is made for it."""
        book = self.site.context.accounts
        user = User(name, name, role, None if wards is None else frozenset(wards), "-", self.site.clock.now_us())
        with book.changing() as records:
            records.add_user(user)
        opened = book.open(user, None)
        assert opened is not None
        secret, visit = opened
        return {"Cookie": f"vigil_session={secret}", "X-Vigil-CSRF": visit.csrf}

    def bearer(self, role: Role | str) -> Headers:
        """Of somebody who sees all wards."""
        return {"Authorization": f"Bearer {self.site.token(role)}"}

    def all(self, asked: Sequence[Ask], headers: Headers) -> list[httpx.Response]:
        """Every answer, in order."""

        async def walk() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.site.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://vigil", headers=headers) as client:
                return [await _sent(client, one) for one in asked]

        return asyncio.run(walk())

    def one(self, asked: Ask, headers: Headers) -> httpx.Response:
        return self.all([asked], headers)[0]


async def _sent(client: httpx.AsyncClient, one: Ask) -> httpx.Response:
    if one.form:
        return await client.request(one.method, one.path, data=one.form)
    if one.json is None:
        return await client.request(one.method, one.path)
    content = httpx.Request("POST", "http://x", json=one.json).content
    return await client.request(one.method, one.path, content=content, headers={"Content-Type": one.kind})


def open_two_wards(folder: Path) -> TwoWards:
    site = open_site(folder)
    site.records.accounts.add_user(User("chief", "Chief", Role.ADMIN, None, "-", site.clock.now_us()))
    site.context.accounts.reload()
    both = TwoWards(site, _filled(site, OWN), _filled(site, MARK))
    for one in (both.own, both.other):
        site.get(f"/api/v1/patients/{one.patient_id}")
    audit_log(site.app).write()
    return both


def principal(wards: Sequence[str] | None, name: str = "li", role: Role = Role.NURSE) -> Principal:
    return Principal(name, role, START + DAY, None if wards is None else frozenset(wards))


def _filled(site: Site, ward: str) -> Of:
    patient, device, scale, gateway = f"p-{ward}", f"w-{ward}", f"s-{ward}", f"g-{ward}"
    names = {"ward": ward, "family": f"Family-{ward}", "given": f"Given-{ward}"}
    site.admit(patient, device, **names)
    site.admit(f"p-{ward}-gone", **names)
    site.records.discharge(f"p-{ward}-gone", site.clock.now_us())
    site.records.put_device(Device(scale, "scale"))
    site.records.bind(scale, patient, START)
    site.clock.advance(1)
    for vital, value in (
        ("heart_rate", 71.0),
        ("spo2", 96.0),
        ("bp_sys", 120.0),
        ("bp_dia", 80.0),
        ("battery_level", 80.0),
    ):
        site.store(device, vital, [value])
    now = site.clock.now_us()
    site.bus.board.put_score(news2(patient, 3, now))
    site.readings.append_scores([news2(patient, 3, now), news2(f"p-{ward}-gone", 5, now)])
    site.readings.append_predictions([prediction(now, patient_id=patient)])
    site.refuse(
        DeadLetter(now, f"rpm/v1/home/d/{device}/tel/vitals", device, "malformed", ward, f'{{"who":"{ward}"}}'.encode())
    )
    site.records.ask_whose([WhoseQuestion(scale, patient, Weight(now - HOUR, 83.4), now, Weight(now - DAY, 61.2), now)])
    question = next(one for one in site.records.open_questions() if one.patient_id == patient)
    site.deps.provision_gateway(gateway, [device])
    site.records.put_settings(DeviceSettings(device, {"spo2": 60.0}, {}, "chen", f"as Family-{ward} wished", now))
    named = document(id=ward, ward=ward, member=[{"id": f"n-{ward}", "name": f"Nurse-{ward}", "channels": ["app"]}],
                     fallback=f"n-{ward}", shift=[])  # fmt: skip
    site.records.put_team(read_team(named, site.deps.channels, []).team, "chen", f"of {ward}", now)
    for scope, name in ((Scope.WARD, ward), (Scope.PATIENT, patient)):
        limits = {"limit": [{"vital": "spo2", "side": "low", "limit": 88.0}]}
        site.records.put_policy(PolicyDocument(scope, name, limits, author="chen", reason=f"for Family-{ward}", at=now))
    return Of(ward, patient, device, gateway, ward, question.question_id, *_alerts(site, ward, patient))


def _alerts(site: Site, ward: str, patient: str) -> tuple[str, str]:
    """One that is acknowledged, with a note and notices; one that is snoozed; one that is over."""
    first, second = site.raise_alert(patient), site.raise_alert(patient, "rate.spo2")
    _recorded(site, first, Acknowledge(_stamp(site, ward, 1), 1, f"told Family-{ward}"), f"n-{ward}")
    until = site.clock.now_us() + 20 * MINUTE
    _recorded(site, second, Snooze(_stamp(site, ward, 2), 1, until, f"Family-{ward} sleeps"), f"n-{ward}")
    site.post(f"/api/v1/alerts/{first.alert_id}/feedback", {"verdict": "useful", "note": f"Family-{ward}"})
    return first.alert_id, second.alert_id


def _stamp(site: Site, ward: str, number: int) -> Stamp:
    return Stamp(f"command:{ward}:{number}", site.clock.now_us(), f"n-{ward}")


def _recorded(site: Site, alert: Alert, event: Any, person: str) -> None:
    line = apply(alert, event, DEFAULT_POLICY)
    assert line is not None
    recorded = site.records.record(line, [Target(APP, person)])
    assert recorded is not None
    site.bus.transitions.publish(recorded)
