"""What a card must say before its model may speak."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from analytics.risk.card.card import Approval, ModelCard
from tests.unit.analytics.risk.card.cards import CARD, report
from vigil.domain.errors import ModelError

REQUIRED = [field.name for field in fields(ModelCard) if field.name not in ("approvals", "threshold")]


def test_a_complete_card_lacks_nothing() -> None:
    assert CARD.check(report()) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_each_field_without_content_is_named(name: str) -> None:
    nothing: Any = () if isinstance(getattr(CARD, name), tuple) else " "
    without: dict[str, Any] = {name: nothing}

    assert replace(CARD, **without).check(report()) == [name.replace("_", " ")]


def test_a_metric_that_no_group_shows_is_named() -> None:
    groups = tuple(
        replace(group, figures={name: figure for name, figure in group.figures.items() if name != "lead_h"})
        if group.kind == "sex"
        else group
        for group in report().groups
    )

    assert CARD.check(replace(report(), groups=groups)) == ["figures by sex: lead_h"]


def test_without_any_group_every_metric_lacks_its_table() -> None:
    by_age, by_sex = CARD.check(replace(report(), groups=()))

    assert by_age.startswith("figures by age: auroc, ")
    assert by_sex.startswith("figures by sex: auroc, ")


def test_a_card_survives_its_file_unchanged() -> None:
    signed = replace(CARD, approvals=(Approval("A. Physician", "clinical safety owner", "2026-02-01", "shadow only"),))

    assert ModelCard.from_json(signed.to_json()) == signed


@pytest.mark.parametrize("text", ["", "[]", "{}", CARD.to_json().replace('"threshold"', '"limit"')])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="card cannot be read"):
        ModelCard.from_json(text)
