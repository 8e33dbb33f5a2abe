"""``vigil train``: a risk model from recordings, in five steps that each leave their result on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from analytics.risk.evaluate.report import Elsewhere
from analytics.risk.train.disk import Found
from analytics.risk.train.evaluate import report_of
from analytics.risk.train.run import STEPS, Trained, train
from analytics.risk.train.task import Task
from analytics.risk.train.tasks import task_of
from vigil.domain.errors import InvalidInput
from vigil.domain.times import to_iso
from vigil.runtime.clock import SystemClock


class What(StrEnum):
    SEPSIS = "sepsis"
    HYPOTENSION = "hypotension"


class FeatureSetName(StrEnum):
    HOME = "home"
    HOSPITAL = "hospital"


#: Figures of the tables: key in ``step.json``, heading, decimals; and those of the further tests.
_FIGURES = (
    ("auroc", "AUROC", 3),
    ("gain", "above the baseline", 3),
    ("auprc", "AUPRC", 3),
    ("utility", "utility", 3),
    ("slope", "calibration slope", 2),
    ("alert_hours_per_day", "alert rows a patient-day", 2),
    ("ppv_hours", "of them right", 3),
    ("sensitivity_stays", "events alerted in time", 3),
)
_FURTHER = ("auroc", "utility", "slope")


def command(
    what: Annotated[What, typer.Argument(help="What is to be foretold.")],
    data: Annotated[
        Path, typer.Argument(help="Challenge 2019 table, or the folder that holds it; Challenge 2009 records.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder; a run that was cut short goes on there.")],
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 1,
    feature_set: Annotated[
        FeatureSetName, typer.Option("--set", help="Sepsis: what a home has, or what a hospital has.")
    ] = FeatureSetName.HOME,
    dated: Annotated[
        str | None,
        typer.Option(help="Date on the model card, YYYY-MM-DD [today]. State it for the same bytes on another day."),
    ] = None,
) -> None:
    """Train a model: collect, features, select, evaluate, deploy. Same data, seed and date give the same bytes."""
    day = _day(dated)
    task = task_of(what.value, feature_set.value)
    console = Console(stderr=True)
    with _bars(console) as bars:
        trained = train(task, data, out, seed, day, bars)
    _print(Console(), task, trained)


def _day(dated: str | None) -> str:
    if dated is None:
        return to_iso(SystemClock().now_us())[:10]
    try:
        return date.fromisoformat(dated).isoformat()
    except ValueError as error:
        raise InvalidInput(f"--dated: {dated} is no date of the form 2026-01-31") from error


class Bars:
    """One bar a step, on stderr."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars = {step: progress.add_task(step, total=None, what="", visible=False, start=False) for step in STEPS}
        self._now: str | None = None

    def begins(self, step: str) -> None:
        self.ends()
        self._now = step
        self._progress.start_task(self._bars[step])
        self._progress.update(self._bars[step], visible=True)

    def advances(self, step: str, done: int, total: int) -> None:
        self._progress.update(self._bars[step], completed=done, total=total)

    def tells(self, step: str, what: str) -> None:
        self._progress.update(self._bars[step], what=what)

    def says(self, line: str) -> None:
        self._progress.console.print(line, highlight=False, soft_wrap=True)

    def ends(self) -> None:
        if self._now is not None:
            task = self._progress.tasks[self._bars[self._now]]
            total = task.total or 1
            self._progress.update(task.id, completed=total, total=total, what="")
            self._progress.stop_task(task.id)


@contextmanager
def _bars(console: Console) -> Iterator[Bars]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}"),
    )
    with Progress(*columns, console=console) as progress:
        bars = Bars(progress)
        yield bars
        bars.ends()


def _print(console: Console, task: Task, trained: Trained) -> None:
    selected, deployed = trained.selected.found, trained.deployed.found
    console.print(_candidates(task, selected))
    folds = ", ".join(f"{name} {count}" for name, count in selected["chosen_in_folds"].items() if count)
    console.print(
        f"taken in the {selected['folds']} folds: {folds}; in the model: {selected['chosen']}", soft_wrap=True
    )
    further = report_of(trained.evaluated).elsewhere
    if further:
        console.print(_further(further))
    if deployed["card_lacks"]:
        console.print(f"its card lacks {', '.join(deployed['card_lacks'])}: it cannot be activated", soft_wrap=True)
    console.print(f"model {deployed['model']} {deployed['hash'][:12]} is in {trained.model}", soft_wrap=True)
    console.print(f"  look at {trained.model / 'card.html'}; docs/risk.md tells how to use it", soft_wrap=True)


def _candidates(task: Task, selected: Found) -> Table:
    """A column a candidate, the baseline first."""
    rows = selected["table"]
    table = Table(title=f"{task.name}: {task.label}", caption="95 % intervals by patient; ← in the model")
    table.add_column("")
    for row in rows:
        most = selected["learned_from_at_most"].get(row["name"])
        mark = " ←" if row["name"] == selected["chosen"] else ""
        table.add_column(f"{row['name']}{f' (of {most} rows)' if most else ''}{mark}")
    for key, heading, digits in _FIGURES:
        if any(key in row for row in rows):
            table.add_row(heading, *(_figure(row.get(key), digits) for row in rows))
    return table


def _further(tests: tuple[Elsewhere, ...]) -> Table:
    table = Table("further test", "stays", *(heading for key, heading, _ in _FIGURES if key in _FURTHER))
    for test in tests:
        figures = [(test.figures.get(key), digits) for key, _, digits in _FIGURES if key in _FURTHER]
        cells = [_figure(asdict(figure) if figure else None, digits) for figure, digits in figures]
        table.add_row(test.name, "fewer than 10" if test.stays is None else str(test.stays), *cells)
    return table


def _figure(figure: dict[str, Any] | None, digits: int) -> str:
    if figure is None or figure["value"] is None:
        return "–"
    if figure["low"] is None or figure["high"] is None:
        return f"{figure['value']:.{digits}f}"
    return f"{figure['value']:.{digits}f} ({figure['low']:.{digits}f} to {figure['high']:.{digits}f})"


def register(app: typer.Typer) -> None:
    app.command("train")(command)
