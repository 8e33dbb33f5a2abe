"""The figures of ``vigil bench risk``: quick ones of few people."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from analytics.risk.registry import Registry
from cli.bench.decisions import Figures, invented, measured, shown
from cli.main import build
from vigil.runtime.clock import SystemClock


def test_every_figure_is_measured() -> None:
    figures = measured(invented(), 100, 3, SystemClock())
    assert min(figures.add, figures.copy, figures.score, figures.cold, figures.plain, figures.share) > 0


def test_the_model_that_ships_is_measured(tmp_path: Path) -> None:
    predictor = Registry(tmp_path).find("sepsis-home").predictor
    assert measured(predictor, 100, 3, SystemClock()).score > 0


def test_the_goal_is_of_ten_thousand() -> None:
    figures = Figures(10_000, 1e-7, 0.018, 0.049, 0.12, 0.04, 83_000_000)
    assert (
        dict(shown(figures))["features and prediction, earlier scores remembered"] == "49.0 ms (goal < 50 ms: reached)"
    )
    few = Figures(100, 1e-7, 0.018, 0.049, 0.12, 0.04, 83_000_000)
    assert dict(shown(few))["features and prediction, earlier scores remembered"] == "49.0 ms"
    assert abs(figures.share - (0.018 / 900 + 1e-7 * 30_000)) < 1e-12


def test_a_model_that_is_not_there_is_named() -> None:
    found = CliRunner().invoke(build(["bench"]), ["bench", "risk", "--model", "no-such-model"])
    assert "no-such-model" in str(found.exception or found.output)
