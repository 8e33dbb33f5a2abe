"""What ``vigil train hypotension`` is told, on invented records and on the real ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from analytics.risk.evaluate.discrimination import Ranked, auroc
from analytics.risk.evaluate.intervals import by_patient, difference
from analytics.risk.hypotension.candidates import CANDIDATES
from analytics.risk.hypotension.card import card_of
from analytics.risk.hypotension.compare import last_hour
from analytics.risk.hypotension.extended import features
from analytics.risk.hypotension.learning import earlier_hours, forecast_minute
from analytics.risk.hypotension.leave_out import leave_one_out
from analytics.risk.hypotension.records import BEFORE, GROUPS, read_records
from analytics.risk.hypotension.task import HYPOTENSION
from analytics.risk.train.task import Data
from tests.unit.analytics.risk.hypotension.people import records


@pytest.fixture
def data() -> Data:
    given = records()
    return {
        "minutes": given.minutes,
        "asked": given.minutes[:, :BEFORE],
        "group": np.array([GROUPS.index(each) for each in given.group], np.int8),
    }


def test_what_is_judged_is_not_learned_from(data: Data) -> None:
    table = HYPOTENSION.features(data)

    assert (table.weight[table.judged] == 0).all()
    assert (table.weight[~table.judged] == 1).all()
    assert table.patient[table.judged].tolist() == list(range(12))
    assert table.y[table.judged].tolist() == [0] * 6 + [1] * 6
    assert table.x.shape[1] == len(HYPOTENSION.names)


def test_the_judged_people_have_a_row_each(data: Data) -> None:
    hours = HYPOTENSION.hours(data)

    assert len(hours) == len(hours.ids) == 12
    assert HYPOTENSION.points(hours).tolist() == [0] * 12


def test_the_baseline_alerts_at_a_mean_of_65_mmhg() -> None:
    minutes = np.full((2, 660), 65.0, np.float32)
    minutes[1] = 65.1
    assert HYPOTENSION.baseline is not None

    found = HYPOTENSION.baseline({"asked": minutes[:, :BEFORE], "group": np.array([0, 2], np.int8)})

    assert found.alerts.tolist() == [True, False]


def test_nobody_is_on_both_sides_of_a_split(data: Data) -> None:
    for split in HYPOTENSION.splits(data):
        assert not np.intersect1d(split.learned, split.judged).size
        assert len(split.learned) + len(split.judged) == 12


def test_a_poorer_signal_is_asked_about_and_not_learned_from(data: Data) -> None:
    whole = HYPOTENSION.features(data)

    for _, poorer in HYPOTENSION.altered(data, 1):
        table = HYPOTENSION.features(poorer)
        np.testing.assert_array_equal(table.x[~table.judged], whole.x[~whole.judged])
        assert not np.array_equal(table.x[table.judged], whole.x[whole.judged])
        assert np.isnan(poorer["asked"]).any(axis=1).all()
    assert not np.isnan(data["asked"]).any()


def test_the_card_lacks_nothing_but_what_the_report_shows() -> None:
    run = SimpleNamespace(
        name="hypotension",
        label=HYPOTENSION.label,
        seed=1,
        dated="2026-02-01",
        fingerprint="f" * 64,
        chosen="boosting",
        threshold=0.5,
    )

    card = card_of(run)

    assert list(card._empty()) == []
    assert card.revalidate_by == "2027-02-01"


@pytest.mark.recordings
def test_sixty_records_are_foretold_better_than_by_the_last_hours_mean(recordings: Path) -> None:
    """Measured: 0.897 against 0.819, gain 0.078 (0.005 to 0.168); the chosen candidate, each record by a model without it."""
    given = read_records(recordings / "hypotension2009" / "trainingdata")
    learning, judged = earlier_hours(given, features), forecast_minute(given, features)
    starts = np.arange(len(given) + 1)

    scores, rival = leave_one_out(CANDIDATES["boosting: levels"], learning, judged), last_hour(given)

    assert (len(given), int(given.event.sum())) == (60, 30)
    assert auroc(given.event, rival) == pytest.approx(0.819, abs=0.001)
    assert auroc(given.event, scores) > 0.88
    gain = difference(Ranked(given.event, scores, starts).auroc, Ranked(given.event, rival, starts).auroc)
    assert by_patient(gain, starts, 2000, 1)[0] > 0


@pytest.mark.recordings
def test_the_recordings_are_collected_without_a_name(recordings: Path) -> None:
    found = HYPOTENSION.collect(recordings / "hypotension2009" / "trainingdata")

    assert set(found.data) == {"minutes", "asked", "group"}
    assert found.facts["records"] == 60
    assert [found.facts[f"records {group}"] for group in GROUPS] == [15, 15, 15, 15]
