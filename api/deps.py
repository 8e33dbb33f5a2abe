"""What the api is handed by ``cli``: one typed bundle, nothing is reached for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.trials import Trials
from vigil.bus.board import Bus
from vigil.domain.deliveries import APP
from vigil.domain.device_clock import DeviceClock
from vigil.domain.phrases import Phrase, english
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.risk_facts import ModelFacts
from vigil.domain.times import HOUR, MINUTE
from vigil.runtime.clock import Clock
from vigil.store import ReadingStore, RecordStore
from vigil.store.backup import Copied
from vigil.store.past import Past, StoreAlone


@dataclass(frozen=True, slots=True)
class ManualEntry:
    """Values that a person typed in. ``values``: (vital name, value or code in the vital's unit, measured_at µs UTC).

    They become readings of the pseudo device ``manual.<patient_id>`` with quality ``MANUAL``, through ingest's commit.
    """

    patient_id: str
    values: tuple[tuple[str, float, int], ...]
    actor: str


@dataclass(frozen=True, slots=True)
class MqttAccess:
    """Where and as whom a device or gateway may publish; the password is shown once and kept nowhere here."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """One fact about the running system. ``said``: for an operator, sentence after sentence, never a patient's name. ``needed``
    False: the system serves without it, so that a mail relay that is down takes neither the page nor the judging with it."""

    ok: bool
    said: Sequence[Phrase] = ()
    needed: bool = True

    @property
    def detail(self) -> str:
        return english(*self.said)


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """Microseconds. ``idle_us``: without a person's touch a session locks; ``life_us``: it ends whatever happens."""

    idle_us: int = 15 * MINUTE
    life_us: int = 12 * HOUR


@dataclass(frozen=True)
class ApiDeps:
    """``token_key`` signs bearer tokens (at least 32 bytes); ``first_run_secret`` is exchanged for one.

    ``submit`` returns the ordinals of the stored values; ``provision_*`` create or renew a broker account; ``revoke`` ends it and
    its connection, ``gateways`` tells for which devices each gateway may speak; ``count_enrolment`` counts a code by what
    came of it; ``checks`` are run for each health question and must be quick; ``web_root`` None = no page;
    ``channels``: names that a team may call by; ``detectors``: names that a policy's ``findings`` may have; ``models``: the risk
    models in use; ``clocks``: what is known of a device's clock, None while nothing live was heard of it; ``copy`` copies the
    databases, None where that cannot be done; ``count_log_in`` counts a try to log in by what came of it; ``trials`` carries
    out trials of policies, None where nothing can; ``past`` makes what one request asks for the past, None = ``readings`` alone.
    """

    readings: ReadingStore
    records: RecordStore
    bus: Bus
    clock: Clock
    token_key: bytes = field(repr=False)
    first_run_secret: str = field(repr=False)
    tenant: str
    submit: Callable[[ManualEntry], list[int]]
    provision_device: Callable[[str], MqttAccess]
    provision_gateway: Callable[[str, list[str]], MqttAccess]
    revoke: Callable[[str], None]
    gateways: Callable[[], Mapping[str, tuple[str, ...]]]
    count_enrolment: Callable[[str], None]
    checks: Mapping[str, Callable[[], Check]]
    metrics: Callable[[], bytes]
    web_root: Path | None
    channels: frozenset[str] = frozenset({APP})
    detectors: frozenset[str] = frozenset(DEFAULT_POLICY.findings)
    models: Callable[[], Sequence[ModelFacts]] = tuple
    clocks: Callable[[str], DeviceClock | None] = lambda _device_id: None
    copy: Callable[[], Copied] | None = None
    sessions: SessionTimes = SessionTimes()
    count_log_in: Callable[[str], None] = lambda _outcome: None
    trials: Trials | None = None
    past: Callable[[], Past] | None = None

    def history(self) -> Past:
        """Readings however old, for one request."""
        return StoreAlone(self.readings) if self.past is None else self.past()
