"""The model card as a record: what people have to say about a model, beside what its report has measured.

Fields after Mitchell et al., "Model cards for model reporting" (FAT* 2019), with those that fairness.md, section 5, adds. That
page asks for YAML; it is JSON here, because everything else in a model folder is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import msgspec

from analytics.risk.evaluate.report import Report
from vigil.domain.errors import ModelError

#: What a card may leave empty: nobody has signed, nothing is known to add.
_MAY_BE_EMPTY = frozenset({"approvals"})
#: Kinds of group that every metric has to be shown for.
_KINDS = ("age", "sex")


@dataclass(frozen=True, slots=True)
class CardInput:
    """An input of the model: canonical vital or "age", "sex". ``stale_after_h``: older values do not count; None = never old."""

    name: str
    unit: str
    stale_after_h: float | None


@dataclass(frozen=True, slots=True)
class DriftRule:
    """``signal``: what is watched; ``look``, ``act``: at which value somebody has to look, and has to act."""

    signal: str
    look: str
    act: str


@dataclass(frozen=True, slots=True)
class Approval:
    """``on``: ISO date."""

    who: str
    role: str
    on: str
    decision: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Sentences for a reader who has three minutes. Dates are ISO and stated by whoever trains, never read from a clock.

    ``title``: what the model is called in front of people; ``label``: what it predicts, in the words that go everywhere.
    ``threshold``: probability from which it may alert.
    """

    # details
    name: str
    title: str
    label: str
    version: str
    dated: str
    kind: str
    licence: str
    owner: str
    contact: str
    training_run: str
    components: str
    # intended use
    users: str
    setting: str
    patients: str
    decision: str
    out_of_scope: tuple[str, ...]
    # factors
    groups: str
    groups_not_evaluated: str
    devices: str
    environments: str
    # metrics
    threshold: float
    threshold_why: str
    interval_method: str
    # data
    evaluation_data: str
    training_data: str
    inclusion: str
    demographics: str
    label_made: str
    data_licence: str
    # what to know
    ethics: tuple[str, ...]
    caveats: tuple[str, ...]
    # use
    inputs: tuple[CardInput, ...]
    missing_input: str
    alert_budget: str
    failure_modes: tuple[str, ...]
    oversight: str
    explanation: str
    explanation_limits: str
    # life
    drift_plan: tuple[DriftRule, ...]
    rollback: str
    revalidate_by: str
    approvals: tuple[Approval, ...] = ()

    def check(self, report: Report) -> list[str]:
        """What the card lacks: fields without content, and metrics of its report without a group table. Empty = complete."""
        return [*self._empty(), *_without_groups(report)]

    def _empty(self) -> Iterator[str]:
        for field in fields(self):
            value = getattr(self, field.name)
            blank = isinstance(value, str) and not value.strip()
            if field.name not in _MAY_BE_EMPTY and (blank or value == ()):
                yield field.name.replace("_", " ")

    def to_json(self) -> str:
        """The same text for the same card."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1).decode() + "\n"

    @staticmethod
    def from_json(text: str) -> ModelCard:
        """``ModelError`` when it is no card."""
        try:
            return msgspec.json.decode(text, type=ModelCard)
        except msgspec.MsgspecError as error:
            raise ModelError(f"the model card cannot be read: {error}") from error


def _without_groups(report: Report) -> Iterator[str]:
    """A metric counts as shown for a kind when at least one group of it has enough data; that others have not is said there."""
    for kind in _KINDS:
        shown = {name for group in report.groups if group.kind == kind for name in group.figures}
        missing = [name for name in report.compared.model if name not in shown]
        if missing:
            yield f"figures by {kind}: {', '.join(missing)}"
