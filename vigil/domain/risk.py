"""A risk model's prediction: never a bare number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: An alert of model NAME has the rule ``risk.NAME``.
RISK_PREFIX = "risk."


class ModelState(StrEnum):
    """``SHADOW``: scores and is compared, is shown to nobody, calls nobody. ``ACTIVE``: shown; alerts where a policy says so."""

    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"


class Source(StrEnum):
    """Who decided: the model, or NEWS2 where the model had too few inputs or too old ones."""

    MODEL = "model"
    NEWS2 = "news2"


@dataclass(frozen=True, slots=True)
class RiskInput:
    """What a vital last was, in the vital's unit. ``age_s`` counts from the measurement to the scoring."""

    vital: str
    value: float
    measured_at: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """``log_odds``: how far this group of inputs moved the risk from where it would be without them; above 0 = up.
    ``text``: for a nurse, as "breathing 24 a minute, 6 above usual"; ``said``: the same as a phrase
    (``vigil.domain.phrases``), of the strongest only."""

    group: str
    log_odds: float
    text: str
    said: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """``at``: microseconds UTC of measured time up to which readings counted; ``decided_at``: server time. ``position``: every
    reading with an ordinal up to it was known, so that the same number can be computed again.

    ``probability`` in 0..1, with ``low``..``high``: how often the event came among people with about this prediction (95 %
    interval of the model's evaluation). ``abstained``: why NEWS2 decided; empty when the model did. ``alert``: above the
    model's threshold. ``version``: first 12 digits of the model folder's hash.
    """

    patient_id: str
    model: str
    version: str
    at: int
    decided_at: int
    position: int
    state: ModelState
    source: Source
    probability: float
    low: float
    high: float
    alert: bool
    abstained: str = ""
    contributions: tuple[Contribution, ...] = ()
    inputs: tuple[RiskInput, ...] = ()
