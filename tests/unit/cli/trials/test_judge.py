"""One patient under two policies: what a trial finds is what ``vigil backtest`` finds in the same readings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from analytics.backtest.run import Plan, Source, run
from analytics.engine.compiled import Kernels
from cli.trials.compare import side
from cli.trials.judge import judged
from tests.unit.cli.trials.bed import QUICK, START, UNREST, Bed, heart_rates, higher, open_bed, person, tried
from vigil.domain.alerts import Priority
from vigil.domain.policy import Policy
from vigil.domain.quality import Quality
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import DAY, MINUTE
from vigil.domain.vitals import BY_NAME

RULE = "limit.heart_rate.high"
STREAMS = [Stream(0, "w-1", BY_NAME["heart_rate"].index, "")]


def counted_by_backtest(bed: Bed, folder: Path, policy: Policy) -> tuple[int, dict[str, int], float]:
    """Alerts, those by rule, and interruptions a patient-day."""
    people, bindings = tuple(bed.records.patients()), tuple(bed.records.bindings())
    source = Source(folder / "readings.duckdb", True, people, bindings, ("p-1",))
    (row,) = run(Plan(source, folder / policy.version, policy), lambda _done, _all: None)["policies"]
    return sum(row["alerts"].values()), row["alerts_by_rule"], row["interruptions_per_patient_day"]


def test_a_trial_and_a_backtest_find_the_same(tmp_path: Path) -> None:
    bed = open_bed(tmp_path)
    bed.wear("p-1", "w-1", UNREST)
    bed.readings.close()
    found = judged(tried("p-1", 140), STREAMS, heart_rates(UNREST), START, Kernels())
    for policy, told in ((QUICK, found.before), (higher(140), found.after)):
        counted = side(told)
        everything = sum(counted.by_priority.values()), counted.by_rule, float(counted.calls)
        assert everything == counted_by_backtest(bed, tmp_path, policy)
    bed.close()
    assert [one.rule for one in found.before].count(RULE) == 2
    assert [one.rule for one in found.after].count(RULE) == 1


def test_what_is_told_of_an_alert() -> None:
    found = judged(tried("p-1", 140), STREAMS, heart_rates(UNREST), START, Kernels())
    first = next(one for one in found.before if one.rule == RULE)
    assert (first.patient_id, first.priority, first.calls >= 1) == ("p-1", Priority.MEDIUM, True)
    assert first.onset_at == START + 60 * MINUTE
    assert first.over_at is not None
    assert first.shown_at <= first.over_at


def test_days_are_those_with_a_valid_value() -> None:
    values = heart_rates([80.0] * 10, START + DAY + MINUTE)
    bad = heart_rates([80.0] * 10, START)
    gated = replace(bad, quality=np.full(10, int(Quality.CONTACT_LOST), np.uint16))
    found = judged(tried("p-1", 140), STREAMS, ReadingBatch.concat([gated, values]), START, Kernels())
    assert found.days == {1}


def test_nobody_who_was_not_measured_has_an_alert() -> None:
    found = judged(tried("p-1", 140), [], ReadingBatch.empty(), START, Kernels())
    assert (list(found.before), list(found.after), found.days) == ([], [], frozenset())
    assert person("p-1").family == ""
