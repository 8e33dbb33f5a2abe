"""What a group of inputs does to a prediction: exact for a linear model, nothing for what was not measured, and stable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.risk.candidates import CANDIDATES
from analytics.risk.explain import contributions, groups_of, moved, strongest
from analytics.risk.explain_words import TYPICAL
from analytics.risk.features import FEATURE_SETS
from analytics.risk.hours import Hours
from analytics.risk.predictor import Needs, Predictor, raw_score
from vigil.domain.risk import Contribution, RiskInput

HOME = FEATURE_SETS["home"]
NAN = float("nan")
#: The calibration that leaves log-odds as they are, in steps of 0.01.
AS_IT_IS = np.linspace(-6, 6, 1201)


@dataclass
class Linear:
    """Log-odds as the sum of weight x feature; what is not known counts as 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    names: tuple[str, ...] = HOME.names

    def decision_function(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        weights = np.array([self.weights.get(name, 0.0) for name in self.names])
        scores: NDArray[np.float64] = np.nan_to_num(matrix.astype(np.float64)) @ weights
        return scores


def predictor(estimator: Any, steep: float = 1.0, feature_set: str = "home") -> Predictor:
    calibrated = 1 / (1 + np.exp(-steep * AS_IT_IS))
    none = np.zeros(1)
    return Predictor(feature_set, estimator, (AS_IT_IS, calibrated), 0.1, Needs(), np.zeros(22), (none, none, none))


def table(patients: int, hours: int, seed: int, columns: tuple[str, ...] = HOME.columns) -> Hours:
    """Vitals that wander about typical ones, a third of them not measured."""
    rng = np.random.default_rng(seed)
    n = patients * hours
    found = {}
    for name in columns:
        middle = TYPICAL.get(name, (1.0,))[0]
        values = middle * (1 + 0.1 * rng.standard_normal(n))
        values[rng.random(n) < 1 / 3] = np.nan
        found[name] = values.astype(np.float32)
    found["Age"] = np.repeat(rng.integers(20, 90, patients), hours).astype(np.float32)
    found["Gender"] = np.repeat(rng.integers(0, 2, patients), hours).astype(np.float32)
    starts = np.arange(0, n + 1, hours, dtype=np.int64)
    return Hours(
        tuple(f"p-{one}" for one in range(patients)),
        starts,
        np.tile(np.arange(hours), patients).astype(np.int32),
        found,
    )


def one_person(hours: int, **columns: list[float] | float) -> Hours:
    """One patient; a single number stands for every hour, what is not named was never measured."""
    found = {name: np.broadcast_to(np.asarray(columns.get(name, NAN), np.float32), (hours,)) for name in HOME.columns}
    return Hours(("p-1",), np.array([0, hours]), np.arange(hours, dtype=np.int32), found)


def by_group(found: tuple[Contribution, ...]) -> dict[str, float]:
    return {one.group: one.log_odds for one in found}


def test_a_linear_model_is_explained_exactly() -> None:
    weights = {"HR_last": 0.02, "HR_mean": 0.01, "Temp_last": 0.5, "MAP_last": -0.03, "DBP_last": 0.01, "Age": 0.02}
    hours = one_person(3, HR=[90, 100, 110], Temp=36.0, MAP=67, DBP=60, Gender=1, Age=80)
    (found,) = moved(predictor(Linear({**weights, "Gender": 0.4})), hours, np.array([2]))
    assert dict(zip(groups_of(HOME), found.tolist(), strict=True)) == pytest.approx(
        {
            "heart_rate": 0.02 * (110 - 84) + 0.01 * (100 - 84),
            "body_temp": 0.5 * (36.0 - 37.06),
            "blood_pressure": -0.03 * (67 - 77) + 0.01 * (60 - 58.5),
            "age": 0.02 * (80 - 65.25),
            "sex": 0.4 / 2,
            "resp_rate": 0,
            "spo2": 0,
        },
        abs=1e-5,
    )


def test_a_steeper_calibration_makes_each_contribution_as_much_larger() -> None:
    hours, rows = table(5, 30, 1), np.array([29, 60, 149])
    model = Linear({"HR_last": 0.02, "SBP_last": -0.01, "Resp_change": 0.1})
    flat, steep = (moved(predictor(model, factor), hours, rows) for factor in (0.5, 1.0))
    np.testing.assert_allclose(flat, steep / 2, rtol=1e-3)
    assert np.abs(steep).max() > 0.05


@pytest.fixture(scope="module")
def trees() -> Predictor:
    hours = table(400, 20, 2)
    matrix = HOME.compute(hours, None)
    risk = (
        np.nan_to_num(matrix[:, HOME.names.index("Resp_last")], nan=18) - 18 + np.nan_to_num(matrix[:, 0], nan=84) / 8
    )
    ill = risk + np.random.default_rng(3).standard_normal(len(risk)) > 12
    return predictor(CANDIDATES["boosting"](1).fit(matrix, ill))


def test_what_was_never_measured_contributes_nothing_whatever_the_model(trees: Predictor) -> None:
    hours = table(20, 30, 4)
    blank = np.full(len(hours), np.nan, np.float32)
    for group, columns in groups_of(HOME).items():
        if group in ("age", "sex"):
            continue
        without = Hours(hours.ids, hours.starts, hours.hour, {**hours.columns, **dict.fromkeys(columns, blank)})
        for found in contributions(trees, without, np.arange(0, 600, 37)):
            assert by_group(found)[group] == 0.0
            assert "not measured" in next(one.text for one in found if one.group == group)


def test_small_changes_of_values_do_not_reorder_large_contributions(trees: Predictor) -> None:
    hours = table(60, 30, 5)
    rng = np.random.default_rng(6)
    near = {name: column + rng.normal(0, 0.02, len(hours)).astype(np.float32) for name, column in hours.columns.items()}
    near |= {name: hours.columns[name] for name in ("Age", "Gender")}
    rows = np.arange(29, 1800, 30)
    first = moved(trees, hours, rows)
    second = moved(trees, Hours(hours.ids, hours.starts, hours.hour, near), rows)
    ordered = -np.sort(-np.abs(first), axis=1)
    clear = ordered[:, 0] - ordered[:, 1] > 0.5
    assert clear.sum() > 20
    same = np.abs(first).argmax(axis=1) == np.abs(second).argmax(axis=1)
    assert same[clear].all()


def test_the_two_inputs_that_make_ill_are_named_and_those_that_do_not_are_not(trees: Predictor) -> None:
    hours = table(60, 30, 7)
    sizes = dict(zip(groups_of(HOME), np.abs(moved(trees, hours, np.arange(29, 1800, 30))).mean(axis=0), strict=True))
    assert min(sizes["resp_rate"], sizes["heart_rate"]) > 3 * max(sizes[one] for one in ("body_temp", "spo2", "sex"))


def test_a_row_is_explained_from_its_own_patient_up_to_it(trees: Predictor) -> None:
    hours = table(6, 30, 8)
    rows = np.array([75, 10, 75, 110])
    found = contributions(trees, hours, rows)
    assert found[0] == found[2]
    later = {name: column.copy() for name, column in hours.columns.items()}
    for name, column in later.items():
        if name not in ("Age", "Gender"):
            column[76:90] = 3 * np.nan_to_num(column[76:90], nan=20)
            column[:60] = np.nan
    changed = Hours(hours.ids, hours.starts, hours.hour, later)
    assert contributions(trees, changed, rows[:1]) == found[:1]
    assert contributions(trees, hours, np.array([], np.int64)) == []


def test_a_hospitals_inputs_are_left_out_as_not_measured() -> None:
    hospital = FEATURE_SETS["hospital"]
    hours = table(3, 30, 9, hospital.columns)
    model = Linear({"Lactate_last": 0.5, "ICULOS": 0.01, "HospAdmTime": 0.3}, hospital.names)
    row = np.array([59])
    made = predictor(model, feature_set="hospital")
    groups = by_group(contributions(made, hours, row)[0])
    raw = raw_score(model, hospital.compute(hours, row))[0]
    assert groups["stay"] + groups["labs"] == pytest.approx(raw, rel=1e-3)
    assert groups["stay"] == pytest.approx(0.01 * 29 + 0.3 * np.nan_to_num(hours.columns["HospAdmTime"][59]), rel=1e-3)


def test_the_strongest_are_told_and_the_weakest_are_not() -> None:
    given = [Contribution(name, shift, name) for name, shift in (("a", 0.2), ("b", -0.9), ("c", 0.04), ("d", 0.5))]
    assert [one.group for one in strongest(given)] == ["b", "d", "a"]
    assert [one.group for one in strongest(given, most=1)] == ["b"]
    assert strongest(given[2:3]) == ()


#: What was measured, hour by hour (the last one is now), and what is said of it when it raises the risk.
A_DAY = [18.0] * 30
THIS_HOUR = ", measured within the hour"
SAID = [
    ({"Resp": [*A_DAY, 24]}, "resp_rate", "Breathing 24 a minute, 6 above this person's usual (18)" + THIS_HOUR),
    ({"Resp": [*A_DAY, 24, NAN]}, "resp_rate", "Breathing 24 a minute, 6 above this person's usual (18), measured 1 h ago"),
    ({"Resp": [28.0] * 31}, "resp_rate", "Breathing 28 a minute, this person's usual, 10 above typical (18)" + THIS_HOUR),
    (
        {"Resp": [*([22.0] * 30), 20]},
        "resp_rate",
        "Breathing 20 a minute, 2 below this person's usual (22), 2 above typical (18)" + THIS_HOUR,
    ),
    (
        {"Temp": [*([38.8] * 30), 37.9]},
        "body_temp",
        "Temperature 37.9 °C, 0.9 below this person's usual (38.8), 0.8 above typical (37.1)" + THIS_HOUR,
    ),
    ({"Resp": [*([14.0] * 30), 24]}, "resp_rate", "Breathing 24 a minute, 10 above this person's usual (14)" + THIS_HOUR),
    ({"Resp": [*([18.0] * 5), 24]}, "resp_rate", "Breathing 24 a minute, 6 above typical (18)" + THIS_HOUR),
    ({"Resp": [*([18.0] * 22), 24]}, "resp_rate", "Breathing 24 a minute, 6 above typical (18)" + THIS_HOUR),
    ({"HR": [84.0]}, "heart_rate", "Pulse 84 a minute, typical" + THIS_HOUR),
    ({"Temp": [*([36.84] * 30), 38.6]}, "body_temp", "Temperature 38.6 °C, 1.8 above this person's usual (36.8)" + THIS_HOUR),
    (
        {"Temp": [38.3, *([NAN] * 9)]},
        "body_temp",
        "Temperature 38.3 °C, 1.2 above typical (37.1), 9 h old: the risk could be lower by now",
    ),
    ({"SBP": [90.0, NAN], "MAP": [60, 61]}, "blood_pressure", "Mean pressure 61 mmHg, 16 below typical (77)" + THIS_HOUR),
    ({"O2Sat": [91.0, NAN, NAN]}, "spo2", "Oxygen saturation 91 %, 7 below typical (98), measured 2 h ago"),
    ({}, "blood_pressure", "Systolic pressure not measured"),
    ({"Age": 89}, "age", "Age 89"),
    ({"Age": 97}, "age", "Age 90 or more"),
    ({}, "age", "Age not known"),
    ({"Gender": 0}, "sex", "Female"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "group", "text"), SAID)
def test_value_first_then_the_usual_then_how_old(columns: dict[str, Any], group: str, text: str) -> None:
    hours = max((len(one) for one in columns.values() if isinstance(one, list)), default=1)
    model = Linear({"Temp_last": 1.0, "Resp_last": 1.0})
    (found,) = contributions(predictor(model), one_person(hours, **columns), np.array([hours - 1]))
    assert next(one.text for one in found if one.group == group) == text


@pytest.mark.parametrize(
    ("age_s", "ends"),
    [
        (45.0, ", measured 45 s ago"),
        (720.0, ", measured 12 min ago"),
        (14_399.0, ", measured 3 h ago"),
        (32_400.0, ", 9 h old: the risk could be higher by now"),
        (260_000.0, ", 3 days old: the risk could be higher by now"),
    ],
)
def test_what_the_stream_knows_to_the_second_is_said_so(age_s: float, ends: str) -> None:
    exact = [RiskInput("resp_rate", 14.0, 0, age_s)]
    model = predictor(Linear({"Resp_last": 0.2}))
    (found,) = contributions(model, one_person(31, Resp=[*A_DAY, 15]), np.array([30]), [exact])
    assert found[0].text == f"Breathing 14 a minute, 4 below this person's usual (18){ends}"
    assert found[0].log_odds < 0


#: What was measured, what a rise of it does to the risk, and the group that is named; None = it stands with the rest.
EXPECTED = [
    ({"HR": [110.0]}, 1.0, "heart_rate"),
    ({"HR": [110.0]}, -1.0, None),
    ({"HR": [70.0]}, 1.0, "heart_rate"),  # lowers
    ({"HR": [70.0]}, -1.0, None),
    ({"HR": [45.0]}, -1.0, "heart_rate"),  # below normal: may raise it
    ({"HR": [45.0]}, 1.0, None),
    ({"HR": [*([60.0] * 30), 80.0]}, -1.0, None),  # above this person's usual, below typical
    ({"HR": [*([60.0] * 30), 84.0]}, 1.0, "heart_rate"),
    ({"Resp": [26.0]}, 1.0, "resp_rate"),
    ({"Resp": [14.0]}, -1.0, None),
    ({"O2Sat": [90.0]}, -1.0, "spo2"),
    ({"O2Sat": [100.0]}, 1.0, None),
    ({"O2Sat": [100.0]}, -1.0, "spo2"),
    ({"O2Sat": [93.0]}, 1.0, None),  # would lower it
    ({"Temp": [38.6]}, 1.0, "body_temp"),
    ({"Temp": [36.5]}, 1.0, "body_temp"),  # lowers
    ({"Temp": [36.5]}, -1.0, None),
    ({"Temp": [35.2]}, -1.0, "body_temp"),
    ({"SBP": [95.0]}, -1.0, "blood_pressure"),
    ({"SBP": [140.0]}, 1.0, None),
    ({"Age": 80}, 1.0, "age"),
    ({"Age": 30}, -1.0, None),
    ({"Gender": 1}, -1.0, "sex"),
]


@pytest.mark.parametrize(("columns", "weight", "named"), EXPECTED)
def test_only_what_moves_the_risk_as_a_nurse_expects_is_named(
    columns: dict[str, Any], weight: float, named: str | None
) -> None:
    (column, given), *_ = columns.items()
    hours = len(given) if isinstance(given, list) else 1
    weights = {column if column in ("Age", "Gender") else f"{column}_last": weight, "HR_day_change": 0.1 * weight}
    model = predictor(Linear(weights))
    (found,) = contributions(model, one_person(hours, **columns), np.array([hours - 1]))
    assert found[0].group == (named or "rest")
    assert abs(found[0].log_odds) > 0.1
    if named is None:
        assert found[0].text == "Other values and their course over three days"


def test_what_is_not_named_is_in_the_rest_to_the_last_digit(trees: Predictor) -> None:
    hours, rows = table(60, 30, 12), np.arange(29, 1800, 30)
    shifts, rests = moved(trees, hours, rows), 0
    for found, whole in zip(contributions(trees, hours, rows), shifts, strict=True):
        groups = by_group(found)
        assert len(groups) == len(found)
        named = {group: shift for group, shift in zip(groups_of(HOME), whole.tolist(), strict=True) if group in groups}
        assert {group: shift for group, shift in groups.items() if group != "rest"} == named
        assert sum(groups.values()) == pytest.approx(whole.sum())
        rests += "rest" in groups
    assert 10 < rests <= len(rows)


def test_what_raises_is_kept_as_a_phrase_and_what_has_no_name_is_told_last() -> None:
    weights = {"O2Sat_last": -2.0, "Temp_last": 3.0, "Resp_last": 1.0, "HR_last": 0.02, "SBP_last": 0.2}
    hours = one_person(1, O2Sat=100, Temp=36.2, Resp=12, HR=110, SBP=140)
    (found,) = contributions(predictor(Linear(weights)), hours, np.array([0]))
    raising = [one for one in found if one.log_odds > 0]
    assert {one.group for one in raising} == {"rest", "heart_rate"}
    assert all(one.said for one in raising)
    assert [one.group for one in found].index("heart_rate") >= 3  # beyond what the card tells
    assert strongest(found)[-1].group == "rest"


def test_of_pressures_measured_together_the_one_that_explains_is_told() -> None:
    model = predictor(Linear({"MAP_last": -0.1}))
    hours = one_person(4, SBP=[NAN, NAN, NAN, 140.0], MAP=[NAN, NAN, 60.0, NAN])
    (found,) = contributions(model, hours, np.array([3]))
    assert found[0].text == "Mean pressure 60 mmHg, 17 below typical (77), measured 1 h ago"
    older = one_person(4, SBP=[NAN, NAN, NAN, 140.0], MAP=[NAN, 60.0, NAN, NAN])
    (found,) = contributions(model, older, np.array([3]))
    assert found[0].group == "rest"
