"""Groups: who is told apart, what is hidden, and what is flagged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytics.risk.evaluate.events import CHALLENGE, patients_of
from analytics.risk.evaluate.measures import Alerting
from analytics.risk.evaluate.subgroups import Group, subgroups
from analytics.risk.hours import Hours
from tests.unit.analytics.risk.evaluate.tables import ward

DRAWS = 40


def judged(
    stays: int = 600, sex: str = "", alter: str = "", factor: float = 1.0, scored: float = 1.0
) -> tuple[Alerting, Hours]:
    """Alerts above a risk of 0.3. ``alter``: what is wrong for everybody of this ``sex``."""
    hours, y, risk = ward(stays)
    same = hours.columns["Gender"] == (1 if sex == "men" else 0)
    alerts, p, decided = risk >= 0.3, risk, np.ones(len(y), np.bool_)
    if alter == "deaf":
        alerts = alerts & ~same
    if alter == "loud":
        alerts = alerts | (same & (np.arange(len(y)) % 2 == 0))
    if alter == "probability":
        p = np.where(same, np.clip(risk * factor, 0, 1), risk)
    if alter == "unscored":
        decided = ~same
    return Alerting(y, p, alerts, hours.starts, CHALLENGE, p, decided), hours


def of(kind: str, name: str, groups: tuple[Group, ...]) -> Group:
    return next(group for group in groups if (group.kind, group.name) == (kind, name))


def test_every_stay_is_in_one_group_of_each_kind() -> None:
    alerting, hours = judged()
    groups = subgroups(alerting, hours, DRAWS, 1)

    for kind in ("age", "sex", "missing inputs"):
        assert sum(group.stays or 0 for group in groups if group.kind == kind) == 600
    assert {group.name for group in groups if group.kind == "sex"} == {"women", "men"}
    assert "unit" not in {group.kind for group in groups}  # the table has no unit


def test_units_are_named_and_those_without_one_are_a_group() -> None:
    alerting, hours = judged()
    third = patients_of(hours.starts) % 3
    unit1 = np.where(third == 0, 1, np.where(third == 1, 0, np.nan)).astype(np.float32)
    hours = replace(hours, columns={**hours.columns, "Unit1": unit1, "Unit2": 1 - unit1})

    groups = subgroups(alerting, hours, DRAWS, 1)

    assert [group.name for group in groups if group.kind == "unit"] == ["medical", "surgical", "unit not known"]


@pytest.mark.parametrize(
    ("alter", "factor", "flag"),
    [
        ("deaf", 1.0, "finds fewer"),
        ("loud", 1.0, "calls more often"),
        ("probability", 2.0, "risk too high"),
        ("probability", 0.5, "risk too low"),
        ("unscored", 1.0, "is scored less"),
    ],
)
def test_what_is_wrong_for_men_is_flagged_for_men_only(alter: str, factor: float, flag: str) -> None:
    groups = subgroups(*judged(1200, "men", alter, factor), DRAWS, 1)

    assert any(each.startswith(flag) for each in of("sex", "men", groups).flags)
    assert not any(each.startswith(flag) for each in of("sex", "women", groups).flags)


def test_the_same_for_all_is_flagged_for_nobody() -> None:
    groups = subgroups(*judged(1200), DRAWS, 1)

    assert [group.flags for group in groups if group.kind == "sex"] == [(), ()]


def test_a_group_with_fewer_than_ten_events_has_no_figure_and_no_count_of_them() -> None:
    alerting, hours = judged()
    age = np.array(hours.columns["Age"])
    age[: 12 * 8] = 10  # eight children
    group = of("age", "under 18", subgroups(alerting, replace(hours, columns={**hours.columns, "Age": age}), DRAWS, 1))

    assert not group.enough
    assert (group.stays, group.events, group.figures, group.gaps, group.flags) == (None, None, {}, {}, ())


def test_crossed_groups_need_fifty_events() -> None:
    groups = subgroups(*judged(300), DRAWS, 1)
    crossed = [group for group in groups if group.kind == "age and sex"]

    assert any(not group.enough for group in crossed)
    assert all(group.events is None or group.events >= 50 for group in crossed)


def test_a_group_measures_what_its_stays_alone_would() -> None:
    alerting, hours = judged()
    women = hours.columns["Gender"][hours.starts[:-1]] == 0
    figures = of("sex", "women", subgroups(alerting, hours, DRAWS, 1)).figures

    rows = women[patients_of(hours.starts)]
    expected = alerting.y[rows].sum() / alerting.score[rows].sum()
    assert figures["observed_expected"].value == pytest.approx(expected, rel=1e-5)
    assert figures["alert_hours_per_day"].value == pytest.approx(24 * alerting.alerts[rows].mean(), rel=1e-5)


def test_a_table_of_one_kind_of_person_compares_nobody() -> None:
    alerting, hours = judged()
    columns = {"Age": np.full(len(hours), 50, np.float32), "Gender": np.ones(len(hours), np.float32)}

    assert subgroups(alerting, replace(hours, columns=columns), DRAWS, 1) == ()


def test_unknown_age_and_sex_are_groups_of_their_own() -> None:
    alerting, hours = judged()
    columns = {name: np.array(hours.columns[name]) for name in ("Age", "Gender")}
    for values in columns.values():
        values[: 12 * 100] = np.nan

    names = {group.name for group in subgroups(alerting, replace(hours, columns=columns), DRAWS, 1)}

    assert {"age not known", "sex not known"} <= names
