"""From a model in use to the facts that are shown of it."""

from __future__ import annotations

from pathlib import Path

from analytics.risk.facts import FactsInUse
from analytics.risk.registry import FOLDER, Registry
from tests.unit.analytics.risk.model_bed import LABEL, bed
from vigil.domain.risk import ModelState

T0 = 1_767_225_600_000_000


def test_nothing_is_told_of_an_installation_without_models(tmp_path: Path) -> None:
    assert FactsInUse(tmp_path).now() == []


def test_what_is_in_use_is_told_with_card_figures_and_state_and_what_is_retired_is_not(tmp_path: Path) -> None:
    one = bed()
    digest = one.write(tmp_path / FOLDER / "sepsis-home")
    registry, told = Registry(tmp_path), FactsInUse(tmp_path)
    assert told.now() == []
    registry.set_state("sepsis-home", ModelState.SHADOW, "Dr Who", "to compare", T0)
    (facts,) = told.now()
    assert (facts.name, facts.version, facts.label, facts.state) == (
        "sepsis-home",
        digest[:12],
        LABEL,
        ModelState.SHADOW,
    )
    assert (facts.patients, facts.out_of_scope, facts.approved_by) == ("the patients", ("one thing",), ())
    assert facts.threshold == one.predictor.threshold
    figures = {figure.name: figure for figure in facts.figures}
    measured, beaten = one.report.compared.model["auroc"], one.report.compared.baseline["auroc"]
    assert figures.keys() == one.report.compared.model.keys()
    assert (figures["auroc"].value, figures["auroc"].low, figures["auroc"].high) == (
        measured.value,
        measured.low,
        measured.high,
    )
    assert figures["auroc"].baseline == beaten.value
    registry.set_state("sepsis-home", ModelState.RETIRED, "Dr Who", "enough", T0 + 1)
    assert told.now() == []


def test_a_model_whose_folder_was_changed_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "sepsis-home"
    bed().write(folder)
    Registry(tmp_path).set_state("sepsis-home", ModelState.SHADOW, "Dr Who", "to compare", T0)
    told = FactsInUse(tmp_path)
    assert len(told.now()) == 1
    (folder / "card.json").write_text("{}")
    assert told.now() == []
