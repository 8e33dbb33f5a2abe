"""Nobody is judged by what has seen him, and a model that cannot know anything is found to know nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.risk.train.folds import folds_of, inner_splits
from analytics.risk.train.select import folds_in
from analytics.risk.train.task import Data, Split, Table, Task
from tests.unit.analytics.risk.train.made_up import HOURS, quick, trained, ward, written

EVENTS = st.lists(st.booleans(), min_size=8, max_size=80).map(np.array)


@given(EVENTS, st.integers(2, 6), st.integers(1, 4), st.integers(0, 9))
def test_no_patient_is_on_both_sides(event: np.ndarray, outer: int, inner: int, seed: int) -> None:
    judged: list[int] = []
    for fold in folds_in(event, outer, seed):
        assert not set(fold.learned) & set(fold.judged)
        assert len(fold.learned) + len(fold.judged) == len(event)
        judged += fold.judged.tolist()
        for some, others in inner_splits(fold.learned, event, inner, seed):
            assert not set(some) & set(others)
            assert {*some.tolist(), *others.tolist()} == set(fold.learned.tolist())
    assert sorted(judged) == list(range(len(event)))


@given(EVENTS, st.integers(2, 6), st.integers(0, 9))
def test_folds_are_alike(event: np.ndarray, folds: int, seed: int) -> None:
    fold = folds_of(event, folds, seed)
    for counts in (np.bincount(fold, minlength=folds), np.bincount(fold[event], minlength=folds)):
        assert counts.max() - counts.min() <= 1
    assert (fold == folds_of(event, folds, seed)).all()


def shuffled(data: Data) -> Table:
    """Stays are ill from end to end or not at all, by lot: hours of one patient are alike, and nothing in them tells."""
    table = quick().features(data)
    y = np.repeat(np.random.default_rng(7).random(len(table.y) // HOURS) < 0.25, HOURS).astype(np.int8)
    return replace(table, y=y, target=y)


def no_splits(data: Data) -> list[Split]:
    return []


def nothing_altered(data: Data, seed: int) -> Iterator[tuple[str, Data]]:
    return iter(())


def plain(task: Task) -> Task:
    return replace(task, splits=no_splits, altered=nothing_altered)


def test_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    """Folds that shared patients, or choices made on the judged, would do better than chance here."""
    source = written(ward(200), tmp_path / "ward.parquet")
    run = trained(source, tmp_path / "run", make=lambda: plain(replace(quick(), features=shuffled)))
    for row in run.selected.found["table"][1:]:
        assert row["auroc"]["low"] <= 0.5 <= row["auroc"]["high"], row


def test_and_a_feature_that_knows_who_is_who_is_no_help(tmp_path: Path) -> None:
    """With the number of the patient among the features, hours of one patient on both sides would be recognised."""

    def with_number(data: Data) -> Table:
        table = shuffled(data)
        x = table.x.copy()
        x[:, 0] = np.random.default_rng(3).permutation(len(table.y) // HOURS)[table.patient]
        return replace(table, x=x)

    source = written(ward(200), tmp_path / "ward.parquet")
    run = trained(source, tmp_path / "run", make=lambda: plain(replace(quick(), features=with_number)))
    boosting = run.selected.found["table"][2]
    assert boosting["auroc"]["low"] <= 0.5 <= boosting["auroc"]["high"], boosting


@settings(max_examples=20)
@given(st.integers(0, 99))
def test_it_is_drawn_by_seed(seed: int) -> None:
    event = np.arange(60) % 3 == 0
    one, same = (folds_of(event, 5, seed) for _ in range(2))
    assert (one == same).all()
    assert (one != folds_of(event, 5, seed + 1)).any()
