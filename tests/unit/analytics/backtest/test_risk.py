"""Risk models in a back-test: the decisions of live, and what is counted of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from analytics.backtest import run as backtest
from analytics.backtest.fold import fold
from analytics.backtest.risk import RiskCounts, decisions, judged
from analytics.backtest.world import History, World
from tests.unit.analytics.backtest.given import Row, delayed, parquet, plan, world
from tests.unit.analytics.risk.stream.bed import HOME, NAME, RiskWard, model, quarters
from tests.unit.analytics.ward import START, Value, compiled, patient
from vigil.domain.risk import ModelState, Source
from vigil.domain.times import HOUR, MINUTE, SECOND
from vigil.domain.vitals import VITALS


def rows(pulses: list[float], who: str = "p-1", device: str = "w-1") -> list[Row]:
    """One a minute, at its 20th second; temperature every four hours; a gap of three hours after the tenth."""
    found = []
    for minute, pulse in enumerate(pulses):
        at = START + minute * MINUTE + 20 * SECOND + (3 * HOUR if minute >= 600 else 0)
        vitals = {"heart_rate": pulse, "resp_rate": 16.0 + minute // 60 % 12, "spo2": 95.0}
        vitals |= {"body_temp": 38.4} if minute % 240 == 7 else {}
        found += [Row(who, vital, at, round(value, 1), at, 0, device) for vital, value in vitals.items()]
    return found


def of_live(tmp_path: Path, past: World) -> RiskWard:
    """The same readings in the running stage, which ticks twice a minute."""
    ward = RiskWard.of(tmp_path)
    ward.shelf.models = [(model(), ModelState.SHADOW)]
    batch, streams = past.history.batch, {each.stream: each for each in past.history.streams}
    taken = 0
    for now in range(START, int(batch.received_at[-1]) + 1, MINUTE // 2):
        upto = int(np.searchsorted(batch.received_at, now, side="right"))
        ward.clock.jump_to(now)
        ward.send(
            *(
                Value(
                    VITALS[streams[int(batch.stream[row])].vital].name,
                    (int(batch.measured_at[row]) - START) / SECOND,
                    float(batch.value[row]),
                    int(batch.quality[row]),
                    (int(batch.received_at[row]) - START) / SECOND,
                )
                for row in range(taken, upto)
            )
        )
        taken = upto
        ward.analytics.tick()
    return ward


def past_of(given: list[Row]) -> World:
    made = world(given)
    return World(History(patient(), made.history.streams, made.history.batch, made.history.policy))


@pytest.mark.parametrize("late_h", [0, 5], ids=["in order", "half of it late"])
def test_live_and_back_test_decide_the_same(tmp_path: Path, late_h: int) -> None:
    rng = np.random.default_rng(2)
    given = rows((110 + 15 * np.sin(np.arange(900) / 90) + 3 * rng.standard_normal(900)).tolist())
    past = past_of(delayed(given, 3, late_h) if late_h else given)
    ward = of_live(tmp_path, past)
    asked = decisions(past, fold(past, compiled()), compiled())
    said, counts, _ = judged(past, True, asked, model())
    made = ward.made
    assert len(made) > 40
    assert asked.at.tolist() == [each.at for each in made]
    assert said.answered.tolist() == [each.source is Source.MODEL for each in made]
    own = said.answered
    assert said.probability[own].tolist() == [each.probability for each in made if each.source is Source.MODEL]
    if not late_h:  # the minutes of NEWS2 know what came later
        assert said.probability.tolist() == [each.probability for each in made]
        assert said.alert.tolist() == [each.alert for each in made]
    counter = f'analytics_risk_shadow_alerts_total{{model="{NAME}"}} {counts.alerts:.1f}'
    assert counts.alerts > 1
    assert counter in ward.metrics.text().decode()


def test_counts_are_a_patient_day_of_decisions() -> None:
    counts = RiskCounts(decisions=192, abstained=48, alerts=1, alerting=12, news2_alerts=4, news2_alerting=96)
    counts.add(RiskCounts(alerts=2))
    assert counts.row() == {
        "patient_hours_scored": 48.0,
        "alerts": 3,
        "news2_alerts": 4,
        "alerts_per_patient_day": 1.5,
        "news2_alerts_per_patient_day": 2.0,
        "abstained_share": 0.25,
        "alerting_share": 0.0625,
        "news2_alerting_share": 0.5,
    }
    assert RiskCounts().row()["alerts_per_patient_day"] is None


def test_nobody_who_was_never_measured_is_decided_about() -> None:
    past = past_of([Row("p-1", "glucose_mgdl", START + hour * HOUR, 90.0, START + hour * HOUR) for hour in range(5)])
    assert decisions(past, fold(past, compiled()), compiled()).at.size == 0


def test_the_files_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = rows(quarters(90, 150, 150, 150, 150)) + rows(quarters(80, 80), "p-2", "w-2")
    monkeypatch.setattr(backtest, "_opened", lambda _path, _digest: model())
    wanted = replace(
        plan(parquet(tmp_path / "in.parquet", given), tmp_path / "out"), models=((tmp_path / NAME, "f" * 64),)
    )
    summary = backtest.run(wanted)
    (row,) = summary["models"]
    assert (row["model"], row["alerts"], row["patient_hours_scored"]) == (NAME, 1, 1.25)
    columns = f"patient, (epoch_us(quarter_end) - {START}) // {MINUTE}, model, source, above, alert_open"
    with duckdb.connect() as con:
        found = con.sql(f"SELECT {columns} FROM '{wanted.out}/predictions.parquet'").fetchall()
    assert found == [
        ("p-1", 15, NAME, "model", False, False),
        ("p-1", 30, NAME, "model", True, False),
        ("p-1", 45, NAME, "model", True, True),
        ("p-1", 60, NAME, "model", True, True),
        ("p-2", 15, NAME, "model", False, False),
    ]
    assert "models" not in backtest.run(replace(wanted, models=(), out=tmp_path / "without"))


def test_of_a_table_nobody_knows_age_and_sex() -> None:
    past = past_of(rows(quarters(90, 90)))
    asked = decisions(past, fold(past, compiled()), compiled())
    (known, *_), (unknown, *_) = (judged(past, on_record, asked, model()) for on_record in (True, False))
    age, sex = HOME.names.index("Age"), HOME.names.index("Gender")
    assert known.matrix[0, [age, sex]].tolist() == [76, 0]
    assert np.isnan(unknown.matrix[0, [age, sex]]).all()
