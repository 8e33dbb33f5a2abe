"""Early-warning scores as results: never a bare number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ScoreStatus(StrEnum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    NOT_APPLICABLE = "not_applicable"


class Band(StrEnum):
    """NEWS2 response bands (Royal College of Physicians 2017)."""

    LOW = "low"
    LOW_MEDIUM = "low-medium"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One input. ``points`` is None when it is missing or stale; ``age_s`` counts from the measurement to the scoring. ``doubt``:
    why the value may be wrong, "weak" (signal) or "still" (it does not move), empty when nothing speaks against it."""

    name: str
    value: float | str | None
    points: int | None
    measured_at: int | None
    age_s: float | None
    stale: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """``total`` is given only when the score is complete; otherwise ``lower``..``upper`` bound it over the joint completions
    of what is missing. ``single_3``: a known parameter scores 3. ``band`` follows ``lower``. ``why`` explains "not applicable",
    ``said`` as a phrase (None in scores of a Vigil that had none).
    """

    name: str
    patient_id: str
    at: int
    status: ScoreStatus
    total: int | None
    lower: int | None
    upper: int | None
    band: Band | None
    single_3: bool
    parts: tuple[ScorePart, ...]
    missing: tuple[str, ...] = ()
    why: str = ""
    said: dict[str, Any] | None = None


class CoverageState(StrEnum):
    WATCHED = "watched"
    PARTLY = "partly"
    PAUSED = "paused"
    NOT_WATCHED = "not_watched"
    NO_DEVICE = "no_device"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Is this person watched? ``since``: microseconds UTC; ``why``: words for the nurse, empty when watched; ``until``: the end
    of a planned pause; ``said``: ``why`` as a phrase (``vigil.domain.phrases``), or None."""

    patient_id: str
    state: CoverageState
    since: int
    why: str
    until: int | None = None
    said: dict[str, Any] | None = None
