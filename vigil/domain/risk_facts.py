"""What people should know of a risk model before they believe it: the few facts of its card that the page shows."""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.risk import ModelState


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure of the model's evaluation with its 95 % interval, beside the same of what it has to beat; None = not defined."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """``version``: first 12 digits of the hash of the model's folder. ``threshold``: probability from which it may alert.
    ``approved_by``: name and role of each who signed; empty = nobody has. ``revalidate_by``: ISO date."""

    name: str
    title: str
    version: str
    label: str
    state: ModelState
    patients: str
    out_of_scope: tuple[str, ...]
    training_data: str
    groups_not_evaluated: str
    missing_input: str
    failure_modes: tuple[str, ...]
    threshold: float
    baseline: str
    figures: tuple[Measured, ...]
    approved_by: tuple[str, ...]
    revalidate_by: str
