"""``vigil risk score``: a table in, a table out, and no hour knows what comes after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from analytics.risk.features import FEATURE_SETS
from analytics.risk.features.contract import Matrix, Rows
from analytics.risk.folder import Model, open_folder
from analytics.risk.hours import Hours
from analytics.risk.score_table import score
from cli.main import COMMANDS
from cli.risk import register
from tests.unit.analytics.risk.model_bed import bed, logistic
from tests.unit.analytics.risk.train.made_up import HOURS, ward, written
from vigil.domain.errors import InvalidInput, ModelError, TableError, VigilError

NAME = "sepsis-home"
Columns = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    bed().write(folder / "models" / NAME)
    return folder


def run(data_dir: Path, source: Path, out: Path, model: str = NAME) -> Result:
    app = typer.Typer()
    register(app)
    arguments = [
        "risk",
        "score",
        "--model",
        model,
        "--input",
        str(source),
        "--out",
        str(out),
        "--data-dir",
        str(data_dir),
    ]
    app.command("other")(lambda: None)
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    if isinstance(done.exception, VigilError):
        raise done.exception
    return done


def table(stays: int = 12) -> Columns:
    made = ward(stays)
    del made["SepsisLabel"], made["Unit1"], made["Unit2"]
    return made


def read(path: Path) -> Columns:
    with duckdb.connect(":memory:") as con:
        source = con.read_parquet(str(path)) if path.suffix == ".parquet" else con.read_csv(str(path), header=True)
        return dict(source.fetchnumpy())


def part(made: Columns, rows: NDArray[Any]) -> Columns:
    return {name: values[rows] for name, values in made.items()}


def test_a_table_is_scored_row_by_row(data_dir: Path, tmp_path: Path) -> None:
    made = table()
    done = run(data_dir, written(made, tmp_path / "in.parquet"), tmp_path / "out.csv")
    assert done.exit_code == 0
    assert (tmp_path / "out.csv").read_text().startswith("patient_id,ICULOS,probability,alert\n")
    scored = read(tmp_path / "out.csv")
    assert (scored["patient_id"] == made["patient_id"]).all()
    assert (scored["ICULOS"] == made["ICULOS"]).all()
    assert ((scored["probability"] > 0) & (scored["probability"] < 1)).all()
    assert set(scored["alert"].tolist()) <= {0, 1}
    shown = " ".join(done.output.split())
    assert f"hours that alert │ {scored['alert'].sum()} (" in shown
    assert "patients │ 12 │" in shown
    assert "hours │ 240 │" in shown
    assert list(tmp_path.glob(".*")) == []


@settings(max_examples=5)
@given(st.randoms(use_true_random=False), st.sampled_from([".csv", ".parquet"]), st.sampled_from([".csv", ".parquet"]))
def test_rows_come_out_in_the_order_they_came_in(tmp_path_factory: Any, random: Any, into: str, out_of: str) -> None:
    folder = tmp_path_factory.mktemp("order")
    bed().write(folder / NAME)
    made = table(6)
    order = list(range(6 * HOURS))
    random.shuffle(order)
    mixed = part(made, np.array(order))
    model = open_folder(folder / NAME)
    score(model, written(made, folder / f"in{into}"), folder / f"straight{out_of}")
    score(model, written(mixed, folder / f"mixed{into}"), folder / f"scored{out_of}")
    straight, scored = read(folder / f"straight{out_of}"), read(folder / f"scored{out_of}")
    assert (scored["patient_id"] == mixed["patient_id"]).all()
    assert (scored["ICULOS"] == mixed["ICULOS"]).all()
    for name in ("probability", "alert"):
        assert np.array_equal(scored[name], straight[name][order]), name


def test_whole_numbers_as_names_stay_whole_numbers(data_dir: Path, tmp_path: Path) -> None:
    made = table(3)
    made["patient_id"] = np.repeat([7, 3, 100], HOURS)
    run(data_dir, written(made, tmp_path / "in.parquet"), tmp_path / "out.parquet")
    scored = read(tmp_path / "out.parquet")
    assert scored["patient_id"].tolist() == made["patient_id"].tolist()
    assert list(scored) == ["patient_id", "ICULOS", "probability", "alert"]


def test_a_psv_of_one_patient_is_named_after_its_file(data_dir: Path, tmp_path: Path) -> None:
    made = table(1)
    names = [name for name in made if name != "patient_id"]
    lines = ["|".join(names), *("|".join(str(made[name][row]) for name in names) for row in range(HOURS))]
    (tmp_path / "p000007.psv").write_text("\n".join(lines) + "\n")
    run(data_dir, tmp_path / "p000007.psv", tmp_path / "out.csv")
    assert set(read(tmp_path / "out.csv")["patient_id"].tolist()) == {"p000007"}


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that moves with every feature, so that nothing escapes it."""
    folder = tmp_path_factory.mktemp("linear")
    bed(logistic).write(folder / NAME)
    return folder


def scores_when_cut(model: Model, folder: Path, made: Columns, cuts: list[int]) -> tuple[Columns, Columns]:
    """The rows up to ``cuts[i]`` hours of patient i: as scored with all that came later, and as scored without."""
    stay = np.arange(len(made["ICULOS"])) // HOURS
    kept = made["ICULOS"] <= np.array(cuts)[stay]
    score(model, written(made, folder / "whole.parquet"), folder / "whole_scored.parquet")
    score(model, written(part(made, kept), folder / "cut.parquet"), folder / "cut_scored.parquet")
    return part(read(folder / "whole_scored.parquet"), kept), read(folder / "cut_scored.parquet")


#: Features are float32, and another number of rows may be summed in another order.
SUMMED = 1e-6
CUTS = st.lists(st.integers(1, HOURS), min_size=8, max_size=8)


@settings(max_examples=10)
@given(CUTS)
def test_no_hour_knows_what_comes_after_it(linear: Path, cuts: list[int]) -> None:
    whole, cut = scores_when_cut(open_folder(linear / NAME), linear, table(8), cuts)
    assert np.allclose(cut["probability"], whole["probability"], rtol=0, atol=SUMMED)
    for name in ("patient_id", "ICULOS", "alert"):
        assert np.array_equal(cut[name], whole[name]), name


def peeking(compute: Callable[[Hours, Rows | None], Matrix]) -> Callable[[Hours, Rows | None], Matrix]:
    """The next hour's pulse where this hour's should be."""

    def compute_ahead(hours: Hours, rows: Rows | None) -> Matrix:
        ahead = np.append(hours.columns["HR"][1:], np.float32(np.nan))
        return compute(replace(hours, columns={**hours.columns, "HR": ahead}), rows)

    return compute_ahead


def test_and_a_feature_that_peeks_is_found_out(linear: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, model = FEATURE_SETS["home"], open_folder(linear / NAME)
    monkeypatch.setitem(FEATURE_SETS, "home", replace(home, compute=peeking(home.compute)))
    whole, cut = scores_when_cut(model, linear, table(8), [3, 5, 8, 10, 12, 14, 16, 19])
    assert not np.allclose(cut["probability"], whole["probability"], rtol=0, atol=SUMMED)


def test_where_too_little_is_known_news2_decides_and_is_counted(data_dir: Path, tmp_path: Path) -> None:
    """Nothing but a pulse; then nothing in the last hours; NEWS2 of 5 alerts."""
    made = table(3)
    vitals = ("O2Sat", "Temp", "SBP", "MAP", "DBP", "Resp", "HR")
    for name in vitals:
        made[name] = np.full(3 * HOURS, np.nan)
    made["HR"][:HOURS] = 135.0  # 3 points and nothing else
    made["Resp"][HOURS], made["HR"][HOURS], made["O2Sat"][HOURS] = (
        26.0,
        135.0,
        97.0,
    )  # 6 points, three vitals, then nothing
    done = run(data_dir, written(made, tmp_path / "in.parquet"), tmp_path / "out.parquet")
    scored = read(tmp_path / "out.parquet")
    assert not np.isnan(scored["probability"]).any()
    risk = bed().predictor.news2_risk
    assert scored["probability"][:HOURS].tolist() == [risk[3]] * HOURS
    assert scored["alert"][:HOURS].tolist() == [0] * HOURS
    assert scored["probability"][2 * HOURS - 1] == risk[6]
    assert scored["alert"][2 * HOURS - 1] == 1
    shown = " ".join(done.output.split())
    assert "too few vital signs measured so far │ 40 " in shown
    assert "too few vital signs of the last hours │ 7 " in shown
    assert "hours decided by NEWS2 │ 47 " in shown


def test_a_model_may_be_given_as_a_folder(data_dir: Path, tmp_path: Path) -> None:
    source = written(table(2), tmp_path / "in.csv")
    run(data_dir, source, tmp_path / "by_name.csv")
    run(tmp_path, source, tmp_path / "by_path.csv", model=str(data_dir / "models" / NAME))
    assert (tmp_path / "by_name.csv").read_bytes() == (tmp_path / "by_path.csv").read_bytes()


def test_what_is_wrong_is_said(data_dir: Path, tmp_path: Path) -> None:
    made = table(2)
    source = written(made, tmp_path / "in.csv")
    with pytest.raises(ModelError, match="there is no such folder"):
        run(data_dir, source, tmp_path / "out.csv", model="sepsis")
    with pytest.raises(InvalidInput, match=r"out\.txt must end in \.csv or \.parquet"):
        run(data_dir, source, tmp_path / "out.txt")
    with pytest.raises(InvalidInput, match=r"out\.csv cannot be written"):
        run(data_dir, source, tmp_path / "nowhere" / "out.csv")
    with pytest.raises(TableError, match=r"nothing\.csv cannot be read"):
        run(data_dir, tmp_path / "nothing.csv", tmp_path / "out.csv")
    lacking = written({name: values for name, values in made.items() if name != "Resp"}, tmp_path / "lacking.csv")
    with pytest.raises(TableError, match="lacks the column Resp"):
        run(data_dir, lacking, tmp_path / "out.csv")
    pulse = np.array(["fast" if row == 4 else "80" for row in range(2 * HOURS)], dtype=object)
    wrong = written({**made, "HR": pulse}, tmp_path / "wrong.csv")
    with pytest.raises(TableError, match="row 5: HR is no number"):
        run(data_dir, wrong, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_model_of_other_inputs_scores_no_hours(data_dir: Path, tmp_path: Path) -> None:
    model = open_folder(data_dir / "models" / NAME)
    other = replace(model, name="hypotension", predictor=replace(model.predictor, feature_set="hypotension"))
    with pytest.raises(ModelError, match="hypotension does not score tables of hours"):
        score(other, written(table(1), tmp_path / "in.csv"), tmp_path / "out.csv")


def test_it_is_a_command_of_vigil() -> None:
    assert COMMANDS["risk"] == "cli.risk"
