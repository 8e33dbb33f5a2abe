"""A ward with a model that anybody can reckon by hand: the risk rises with the pulse, 120 a minute is the threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from analytics.combination_rule import AtOnce
from analytics.risk.features import FEATURE_SETS
from analytics.risk.folder import Model
from analytics.risk.predictor import Needs, Predictor
from analytics.risk.reference import Reference, reference_of
from analytics.risk.stream.live import RiskPlan
from analytics.runner import Analytics
from tests.unit.analytics.ward import DEVICE, PATIENT, START, Value, Ward, compiled, patient
from vigil.bus.board import Bus
from vigil.domain.alerts import Priority
from vigil.domain.people import Device
from vigil.domain.policy import BEDSIDE_POLICY, Policy
from vigil.domain.risk import ModelState, Prediction
from vigil.domain.times import MINUTE
from vigil.runtime.metrics import Metrics

NAME = "sepsis-home"
RULE = f"risk.{NAME}"
HOME = FEATURE_SETS["home"]
_PULSE = next(place for place, name in enumerate(HOME.names) if name.startswith("HR_"))
#: Log-odds are calibrated as they are.
AS_IT_IS = np.linspace(-8, 8, 1601)
#: Nobody is called a second time: the tests count what the model does.
_LATER = {"high": 604_800.0, "medium": 604_800.0, "low": 604_800.0}
CALLING = replace(
    BEDSIDE_POLICY, news2=False, limits=(), findings={RULE: Priority.MEDIUM}, escalate_s=_LATER, realarm_s=_LATER
)


@dataclass
class Pulse:
    """Log-odds 0 at a pulse of 120, 1 more each ten beats."""

    fails: bool = False

    def decision_function(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        if self.fails:
            raise ZeroDivisionError
        odds: NDArray[np.float64] = (np.nan_to_num(matrix[:, _PULSE].astype(np.float64), nan=60.0) - 120) / 10
        return odds


@dataclass(frozen=True)
class StandIn:
    """As much of a ``Model`` as the stream asks for."""

    predictor: Predictor
    reference: Reference
    name: str = NAME
    hash: str = "f" * 64

    @property
    def version(self) -> str:
        return self.hash[:12]


def predictor(estimator: Any = None, feature_set: str = "home", needs: Needs | None = None) -> Predictor:
    bands = np.array([0.25]), np.array([0.0, 0.2]), np.array([0.3, 1.0])
    calibration = AS_IT_IS, 1 / (1 + np.exp(-AS_IT_IS))
    risk = np.arange(22) / 100
    return Predictor(feature_set, estimator or Pulse(), calibration, 0.5, needs or Needs(count=2), risk, bands)


def model(estimator: Any = None, name: str = NAME, **change: Any) -> Model:
    rng = np.random.default_rng(1)
    rows = rng.normal(80, 10, (600, len(HOME.names))).astype(np.float32)
    reference = reference_of(HOME.names, rows, rng.random(600), rng.random(600) < 0.1, 60)
    return cast(Model, StandIn(predictor(estimator, **change), reference, name))


@dataclass
class Shelf:
    """A registry."""

    models: list[tuple[Model, ModelState]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def in_use(self) -> list[tuple[Model, ModelState]]:
        return list(self.models)


@dataclass
class RiskWard(Ward):
    """Decides at once, in the thread of the tests."""

    shelf: Shelf = field(default_factory=lambda: Shelf([(model(), ModelState.ACTIVE)]))

    def restarted(self) -> Analytics:
        self.bus, self.metrics = Bus(), Metrics()
        plan = RiskPlan(lambda: self.shelf, self.readings, self.path.with_name("risk.npz"), AtOnce)
        self.analytics = Analytics(
            self.readings, self.records, self.bus, self.clock, self.path, self.metrics, self.kernels, risk=plan
        )
        return self.analytics

    @staticmethod
    def of(path: Path, policy: Policy = CALLING, people: int = 1, **change: Any) -> RiskWard:
        """Person n wears device n; ``PATIENT`` wears ``DEVICE``."""
        ward = RiskWard(path / "analytics.npz", kernels=compiled())
        for number in range(1, people + 1):
            who, device = f"p-{number}", f"w-{number}"
            ward.records.add_patient(patient(who, **change))
            ward.records.put_policy(who, policy, "doctor", "test", START)
            ward.records.put_device(Device(device, "wearable", {"heart_rate": 60, "resp_rate": 60, "spo2": 60}))
            ward.records.bind(device, who, START - 3600_000_000)
        return ward

    def minutes(
        self, first: int, pulses: Sequence[float], between: Callable[[int], None] = lambda _minute: None
    ) -> int:
        """A minute each: pulse, breathing and SpO2 at its start, a tick five seconds later. Returns the minute after."""
        for minute, pulse in enumerate(pulses, first):
            self.at(60 * minute)
            vitals = {"heart_rate": pulse, "resp_rate": 16.0, "spo2": 97.0}
            self.send(*(Value(name, 60 * minute, value, device_id=DEVICE) for name, value in vitals.items()))
            self.at(60 * minute + 5)
            self.analytics.tick()
            between(minute)
        return first + len(pulses)

    def quiet(self, first: int, count: int) -> int:
        """Minutes in which nothing comes."""
        for minute in range(first, first + count):
            self.at(60 * minute + 5)
            self.analytics.tick()
        return first + count

    @property
    def made(self) -> list[Prediction]:
        return self.readings.stored_predictions


def quarters(*pulses: float) -> list[float]:
    """Fifteen minutes of each."""
    return [pulse for pulse in pulses for _ in range(15)]


def at_minute(minute: int) -> int:
    return START + minute * MINUTE


__all__ = [
    "CALLING",
    "DEVICE",
    "HOME",
    "NAME",
    "PATIENT",
    "RULE",
    "Pulse",
    "RiskWard",
    "Shelf",
    "at_minute",
    "model",
    "quarters",
]
