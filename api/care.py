"""The care relationship: whose patients somebody sees, by any route.

``Needs`` asks ``Care.check`` for every identifier in a path, so that no route can forget it; whatever lists things asks the
``View`` of who asks. Who sees all wards is not looked at any further.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from api.errors import Problem
from api.throttle import FailureLimit
from vigil.domain.alerts import Alert
from vigil.domain.break_glass import LIFE_US, WINDOW_US, Grant, wait_us
from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.people import Binding, is_test
from vigil.domain.self_test import PLATFORM
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock
from vigil.store import RecordStore

if TYPE_CHECKING:
    from api.auth import Principal

#: How the rule of the platform's alert about one ward begins (``analytics.calling.outage``).
OF_WARD = "outage."
#: Greater numbers are no question's.
_LARGEST = 2**53


class Reach(NamedTuple):
    """``wards`` None = all. ``opened``: patients of other wards, by a grant that runs.

    A tuple, because each tick looks one up for every client.
    """

    wards: frozenset[str] | None
    opened: frozenset[str] = frozenset()

    @property
    def everybody(self) -> bool:
        return self.wards is None


EVERYBODY = Reach(None)


@dataclass(frozen=True, slots=True)
class Known:
    """Who is of which ward, discharged or not, and who wears or wore what."""

    wards: Mapping[str, str] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()
    worn: Mapping[str, tuple[Binding, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """What one person may see, as things stood when he asked. What is not known is seen by nobody but by who sees everybody."""

    reach: Reach
    known: Known

    @property
    def everybody(self) -> bool:
        return self.reach.everybody

    def ward(self, ward: str) -> bool:
        return self.reach.wards is None or ward in self.reach.wards

    def patient(self, patient_id: str) -> bool:
        """The self-test's patient is nobody's secret."""
        if self.everybody or patient_id in self.reach.opened or is_test(patient_id):
            return True
        ward = self.known.wards.get(patient_id)
        return ward is not None and self.ward(ward)

    def about(self, patient_id: str, rule: str) -> bool:
        """An alert of this patient by this rule. One about Vigil itself is everybody's, but for the outage of one ward."""
        if patient_id == PLATFORM:
            return not rule.startswith(OF_WARD) or self.ward(rule.removeprefix(OF_WARD))
        return self.patient(patient_id)

    def alert(self, alert: Alert) -> bool:
        return self.about(alert.patient_id, alert.rule)

    def device(self, device_id: str) -> bool:
        """Is it registered, and worn by nobody else's patient? One that nobody wears is there for all."""
        if self.everybody:
            return True
        running = (one.patient_id for one in self.known.worn.get(device_id, ()) if one.end is None)
        return device_id in self.known.devices and all(map(self.patient, running))

    def carried(self, device_ids: Iterable[str]) -> bool:
        """None of these is worn by somebody else's patient; one that is not registered is worn by nobody."""
        return all(self.device(one) or one not in self.known.devices for one in device_ids)

    def payload(self, device_id: str) -> bool:
        """May what the device sent be shown as it came? It may hold values of all who ever wore it."""
        return self.everybody or all(self.patient(one.patient_id) for one in self.known.worn.get(device_id, ()))

    def worn_by_others(self, device_id: str, at: int) -> bool:
        """Did somebody else's patient wear it then?"""
        worn = () if self.everybody else self.known.worn.get(device_id, ())
        return any(one.covers(at) and not self.patient(one.patient_id) for one in worn)

    def since(self, device_id: str) -> int:
        """What happened with the device at or after this time (microseconds UTC; 0 = always) is about nobody else's patient."""
        if self.everybody:
            return 0
        others = (one.end for one in self.known.worn.get(device_id, ()) if not self.patient(one.patient_id))
        return max((end for end in others if end is not None), default=0)

    def require_patient(self, patient_id: str) -> None:
        """Raises ``NotFound``: for a patient named elsewhere than in the path."""
        if not self.patient(patient_id):
            raise NotFound("no such patient")

    def require_device(self, device_id: str) -> None:
        """As ``require_patient``."""
        if not self.device(device_id):
            raise NotFound("no such device")

    def require_ward(self, ward: str) -> None:
        """Raises ``Problem`` (403): a change of a ward that is not his."""
        if not self.ward(ward):
            raise Problem(HTTPStatus.FORBIDDEN, "this ward is not one of yours")

    def require_everybody(self) -> None:
        """Raises ``Problem`` (403): a change that other wards feel too."""
        if not self.everybody:
            raise Problem(HTTPStatus.FORBIDDEN, "only who sees all wards may change what holds in several")


#: Of who sees all wards.
WHOLE = View(EVERYBODY, Known())


class Care:
    """Answers from memory. Safe to use from several threads. ``gateways``: for which devices each gateway may speak.

    ``wake`` is called, in any thread, when a grant was opened: see ``turned``.
    """

    def __init__(
        self, records: RecordStore, clock: Clock, gateways: Callable[[], Mapping[str, tuple[str, ...]]]
    ) -> None:
        self._records, self._clock, self._gateways = records, clock, gateways
        self._lock, self._knowing, self._opening = threading.RLock(), threading.Lock(), threading.Lock()
        self._wrong = FailureLimit(clock, overall=None)
        self._revision = -1
        self._known = Known()
        self._running: dict[str, Grant] | None = None
        self._fresh: list[Grant] = []
        self._turned: set[str] = set()
        self.wake: Callable[[], None] = _nobody_waits

    def view(self, who: Principal) -> View:
        return self.view_of(self.reach(who))

    def view_of(self, reach: Reach) -> View:
        return WHOLE if reach.everybody else View(reach, self._now())

    def reach(self, who: Principal) -> Reach:
        if who.wards is None:
            return EVERYBODY
        with self._lock:
            own = (one.patient_id for one in self._grants().values() if one.person == who.name)
            return Reach(who.wards, frozenset(own))

    def wards(self) -> Mapping[str, str]:
        """Of every patient, discharged or not."""
        return self._now().wards

    def check(self, who: Principal, named: Mapping[str, str]) -> View:
        """``named``: the parameters of the path. Raises ``NotFound`` for what is somebody else's, as for what does not exist."""
        view = self.view(who)
        if not view.everybody:
            for kind, name in named.items():
                if kind in CHECKS:
                    CHECKS[kind](self, view, name)
        return view

    def opened(self, patient_id: str) -> list[Grant]:
        """The grants that run for the patient."""
        with self._lock:
            found = [one for one in self._grants().values() if one.patient_id == patient_id]
        return sorted(found, key=lambda one: one.at)

    def open(self, who: Principal, patient_id: str, reason: str) -> Grant:
        """Raises ``NotFound``; ``InvalidInput`` when he sees the patient anyway; ``Problem`` (429) beyond the limit."""
        if self.view(who).patient(patient_id):
            raise InvalidInput("you see this patient already")
        with self._opening:
            now = self._clock.now_us()
            before = self._records.break_glass.grants(person=who.name, since=now - WINDOW_US)
            wait = max(-(-wait_us([one.at for one in before], now) // SECOND), self._wrong.wait_s(who.name))
            if wait:
                said = f"too many records opened; try again in {wait} s"
                raise Problem(HTTPStatus.TOO_MANY_REQUESTS, said, headers={"Retry-After": str(wait)})
            grant = Grant(secrets.token_hex(8), who.name, patient_id, reason, now, now + LIFE_US)
            try:
                self._records.break_glass.put_grant(grant)
            except NotFound:
                self._wrong.failed(who.name)  # or it would be a way to find out who is watched here
                raise
        with self._lock:
            self._grants()[grant.grant_id] = grant
            self._fresh.append(grant)
            self._turned.add(patient_id)
        self.wake()
        return grant

    def turned(self) -> tuple[list[Grant], set[str]]:
        """Since the last call: grants that were opened, and patients for whom one began or ended."""
        with self._lock:
            self._grants()
            found = self._fresh, self._turned
            self._fresh, self._turned = [], set()
            return found

    def _grants(self) -> dict[str, Grant]:
        """Those that run; read once, after that whoever opens one adds it."""
        now = self._clock.now_us()
        if self._running is None:
            self._running = {one.grant_id: one for one in self._records.break_glass.grants(runs_at=now)}
        for one in [one for one in self._running.values() if not one.runs(now)]:
            del self._running[one.grant_id]
            self._turned.add(one.patient_id)
        return self._running

    def _now(self) -> Known:
        revision = self._records.revision()
        with self._knowing:
            if revision != self._revision:
                worn: dict[str, list[Binding]] = {}
                for one in self._records.bindings():
                    worn.setdefault(one.device_id, []).append(one)
                self._known = Known(
                    self._records.break_glass.patient_wards(),
                    frozenset(one.device_id for one in self._records.devices()),
                    {device_id: tuple(bindings) for device_id, bindings in worn.items()},
                )
                self._revision = revision
            return self._known

    def _alert(self, view: View, name: str) -> None:
        if not view.alert(self._records.alert(name)):
            raise NotFound(f"no alert {name}")

    def _gateway(self, view: View, name: str) -> None:
        if not view.carried(self._gateways().get(name, ())):
            raise NotFound("no such gateway")

    def _question(self, view: View, name: str) -> None:
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 20 else 0
        if 1 <= number <= _LARGEST and not view.patient(self._records.question(number).patient_id):
            raise NotFound("no such question")

    def _team(self, view: View, name: str) -> None:
        if not view.ward(self._records.team_history(name)[0].team.ward):
            raise NotFound("no such team")

    def _ward(self, view: View, name: str) -> None:
        if not view.ward(name):
            raise NotFound("no such ward")


def _nobody_waits() -> None:
    pass


#: By the name that the parameter has in every path.
CHECKS: Mapping[str, Callable[[Care, View, str], None]] = {
    "patient_id": lambda _care, view, name: view.require_patient(name),
    "device_id": lambda _care, view, name: view.require_device(name),
    "alert_id": Care._alert,
    "gateway_id": Care._gateway,
    "question_id": Care._question,
    "team_id": Care._team,
    "ward": Care._ward,
}
