"""Nobody is scored by a model that knows him, and no label of the judged minute gets into a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.risk.evaluate.discrimination import auroc
from analytics.risk.hypotension.candidates import LEVELS, Candidate, boosting, logistic
from analytics.risk.hypotension.compare import compare, exchanged, last_hour
from analytics.risk.hypotension.extended import features
from analytics.risk.hypotension.learning import Learning, earlier_hours, forecast_minute
from analytics.risk.hypotension.leave_out import choose, leave_one_out, leave_pair_out, nested
from analytics.risk.hypotension.records import Records
from tests.unit.analytics.risk.hypotension.people import records

SIMPLE = Candidate(("median_60", "lowest_half_hour"), logistic)
TREES = Candidate(LEVELS, boosting(LEVELS))


def _tables(given: Records) -> tuple[Learning, Learning]:
    return earlier_hours(given, features), forecast_minute(given, features)


def test_a_record_of_its_own_kind_is_not_known_to_its_model() -> None:
    """Rows of the left-out record may say what they will: its score stays the same."""
    learning, judged = _tables(records(1))
    spoiled = replace(learning, y=np.where(learning.record == 2, 1 - learning.y, learning.y).astype(np.int8))

    one, two = (leave_one_out(SIMPLE, each, judged) for each in (learning, spoiled))

    assert one[2] == two[2]
    assert not np.array_equal(np.delete(one, 2), np.delete(two, 2))


def test_the_judged_labels_are_in_no_score() -> None:
    learning, judged = _tables(records(1))
    turned = replace(judged, y=(1 - judged.y).astype(np.int8))

    one, two = (nested({"simple": SIMPLE, "trees": TREES}, learning, each) for each in (judged, turned))

    np.testing.assert_array_equal(one.score, two.score)
    assert one.taken == two.taken


def test_shuffled_labels_are_not_foretold() -> None:
    """The trap of leave-one-out is a score far from chance on labels that mean nothing."""
    learning, judged = _tables(records(3))
    scores = leave_one_out(SIMPLE, learning, judged)
    random = np.random.default_rng(4)

    drawn = [auroc(random.permutation(judged.y), scores) for _ in range(400)]

    assert np.mean(drawn) == pytest.approx(0.5, abs=0.03)


def test_lower_people_are_found_and_pairs_agree() -> None:
    learning, judged = _tables(records(3))

    scores = leave_one_out(SIMPLE, learning, judged)

    assert auroc(judged.y, scores) > 0.8
    assert leave_pair_out(SIMPLE, learning, judged) == pytest.approx(auroc(judged.y, scores), abs=0.1)


def test_the_simpler_one_wins_ties() -> None:
    assert choose({"simple": 0.895, "wide": 0.904}) == "simple"
    assert choose({"simple": 0.890, "wide": 0.904, "wider": 0.905}) == "wide"


def test_a_lower_pressure_never_means_a_lower_risk() -> None:
    """Of the boosting: every level one mmHg lower at a time."""
    learning, _ = _tables(records(3))
    model: Any = TREES.make(1).fit(TREES.of(learning.x), learning.y)
    rows = TREES.of(learning.x[::50])

    for column in range(rows.shape[1]):
        lower = rows.copy()
        lower[:, column] -= 5
        assert (model.decision_function(lower) >= model.decision_function(rows) - 1e-9).all()


def test_the_same_seed_gives_the_same_model() -> None:
    learning, judged = _tables(records(1))

    np.testing.assert_array_equal(leave_one_out(TREES, learning, judged, 3), leave_one_out(TREES, learning, judged, 3))


def test_the_comparison_names_every_candidate_and_gains_nothing_by_itself() -> None:
    found = compare(records(2), {"simple": SIMPLE})

    assert [line.name for line in found.lines] == ["mean pressure of the last hour", "simple"]
    assert found.lines[0].gain.value == found.lines[0].gain.low == found.lines[0].gain.high == 0
    assert found.taken == {"simple": 8}
    assert found.nested.auroc == found.lines[1].auroc


def test_exchanging_equals_is_no_difference_and_chance_against_truth_is_one() -> None:
    given = records(10)
    truth = given.event + np.linspace(0, 0.1, len(given))
    noise = np.random.default_rng(2).random(len(given))

    assert exchanged(given.event, noise, noise, 1) == 1
    assert exchanged(given.event, truth, noise, 1) < 0.01


def test_a_silent_last_hour_has_no_mean() -> None:
    given = records(1)
    minutes = given.minutes.copy()
    minutes[0, 540:600] = np.nan

    found = last_hour(Records(given.ids, minutes))

    assert np.isnan(found).tolist() == [True, False, False, False]
    assert found[1] == pytest.approx(-minutes[1, 540:600].mean(), abs=1e-3)
