"""From a model's folder to the facts that are shown beside its predictions."""

from __future__ import annotations

import threading
from pathlib import Path

from analytics.risk.folder import Model
from analytics.risk.registry import Registry
from vigil.domain.risk import ModelState
from vigil.domain.risk_facts import Measured, ModelFacts


def facts_of(model: Model, state: ModelState) -> ModelFacts:
    card, compared = model.card, model.report.compared
    figures = tuple(
        Measured(
            name,
            figure.value,
            figure.low,
            figure.high,
            compared.baseline[name].value if name in compared.baseline else None,
        )
        for name, figure in sorted(compared.model.items())
    )
    return ModelFacts(
        name=model.name,
        title=card.title,
        version=model.version,
        label=model.label,
        state=state,
        patients=card.patients,
        out_of_scope=card.out_of_scope,
        training_data=card.training_data,
        groups_not_evaluated=card.groups_not_evaluated,
        missing_input=card.missing_input,
        failure_modes=card.failure_modes,
        threshold=model.predictor.threshold,
        baseline=model.report.baseline_name,
        figures=figures,
        approved_by=tuple(f"{one.who}, {one.role}" for one in card.approvals),
        revalidate_by=card.revalidate_by,
    )


class FactsInUse:
    """The models that an installation has in use, read anew whenever somebody asks; safe to ask from several threads."""

    def __init__(self, data_dir: Path) -> None:
        self._registry = Registry(data_dir)
        self._lock = threading.Lock()

    def now(self) -> list[ModelFacts]:
        """A model that is refused is left out."""
        with self._lock:
            return [facts_of(model, state) for model, state in self._registry.in_use()]
