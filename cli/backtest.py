"""``vigil backtest``: what the rules would have said about recorded readings, through the same code as live."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from analytics.backtest.replay import RESPONSE_S
from analytics.backtest.run import Plan, run
from analytics.lab.baseline import RAW
from analytics.risk.stream.decide import usable
from cli.backtest_lab import Asked, on_source, on_ward
from cli.backtest_source import DEFAULT, STORE, labels_of, moment, of_installation, of_table, tried, without_schedules
from cli.backtest_ward import seed_of
from cli.installation import ConfigFile, DataDir, settings
from simulators.lab_ward import WardPlan
from vigil.domain.errors import InvalidInput
from vigil.runtime import log

FAULTS = ("none", "all")
_SHOWN = {
    "patient_hours_scored": "patient-hours decided about",
    "abstained_share": "share that NEWS2 decided",
    "alerts": "alerts",
    "alerts_per_patient_day": "alerts a patient-day",
    "alerting_share": "share of time with an alert",
    "news2_alerts": "NEWS2 ≥ 5: alerts",
    "news2_alerts_per_patient_day": "NEWS2 ≥ 5: alerts a patient-day",
    "news2_alerting_share": "NEWS2 ≥ 5: share of time with an alert",
}


def backtest(
    out: Annotated[Path, typer.Option(help="Folder for the results; a run that was interrupted goes on there.")],
    source: Annotated[
        str | None, typer.Option("--input", help="A CSV or Parquet file, or: store, the stopped Vigil's own.")
    ] = None,
    ward: Annotated[int | None, typer.Option(min=1, help="Instead of an input: a simulated ward of so many.")] = None,
    days: Annotated[int, typer.Option(min=2, max=60, help="Of the simulated ward.")] = 14,
    seed: Annotated[str, typer.Option(help="Of the simulated ward: 1 to 999 for tuning, or commit:<hash>.")] = "1",
    faults: Annotated[str, typer.Option(help="none, or all: the simulated ward with device faults as well.")] = "none",
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="A TOML file, default, bedside or raw-news2; several are compared. Without one the starting policy."
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Events known of the input: a labels.json, or the folder of Sepsis 2019.")
    ] = None,
    nurses: Annotated[float, typer.Option(min=0.1, help="At work for ten patients.")] = 1.0,
    patients: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="Measured at or after, ISO 8601 with a zone.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Measured before, ISO 8601 with a zone.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first row that is no reading.")] = False,
    response_s: Annotated[
        float, typer.Option("--response", min=0, help="Seconds until the supposed nurse acknowledges an alert.")
    ] = RESPONSE_S,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A risk model by name, whatever its state: what it would have said; may be given again."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes [as many as there are cores].")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Judge recorded readings on a virtual clock; several policies, a ward or labels are compared in a report."""
    log.setup("backtest", "warning")
    names = policy or [DEFAULT]
    asked = Asked(out, tried(names), {}, response_s, workers or len(os.sched_getaffinity(0)), nurses)
    _check(source, ward, faults, labels)
    comparing = ward is not None or labels is not None or RAW in names or len(names) > 1
    if model and comparing:
        raise InvalidInput("--model goes with one policy and without --labels or --ward")
    if ward is not None:
        on_ward(asked, WardPlan(ward, days, seed_of(seed)), faults=faults == "all")
        return
    wanted = tuple(sorted(set(patients.split(",")))) if patients else None
    start, end = moment("--from", first), moment("--to", last)
    own: dict[str, Any] = {}
    if source == STORE:
        read, own = of_installation(settings(config, data_dir), wanted, start, end)
    else:
        read = of_table(Path(source or ""), wanted, start, end, strict=strict)
    if comparing:
        on_source(asked, read, labels_of(labels, read.path.name))
        return
    chosen = asked.tried[0]
    own = without_schedules(own) if policy is None else {}
    models = _models(model, settings(config, data_dir).data_dir) if model else ()
    plan = Plan(read, out, chosen.policy, chosen.name, own, response_s, asked.workers, models)
    columns = (TextColumn("patients"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("patients", total=None)
        summary = run(plan, lambda done, total: progress.update(task, completed=done, total=total))
    _print(summary, out)


def _check(source: str | None, ward: int | None, faults: str, labels: Path | None) -> None:
    if (source is None) == (ward is None):
        raise InvalidInput("give --input, or --ward for a simulated ward")
    if faults not in FAULTS or (faults != FAULTS[0] and ward is None):
        raise InvalidInput("--faults is none or all, and goes with --ward")
    if labels is not None and ward is not None:
        raise InvalidInput("a simulated ward has labels of its own: --labels goes with --input")


def _models(names: list[str], data_dir: Path) -> tuple[tuple[Path, str], ...]:
    """Folder and hash of each. Raises ``ModelError`` for a model that is refused, or that asks for what no stream knows."""
    from analytics.risk.registry import Registry  # with the libraries that models need

    registry = Registry(data_dir)
    found = [registry.find(name) for name in dict.fromkeys(names)]
    for model in found:
        usable(model.predictor)
    return tuple((model.path, model.hash) for model in found)


def _print_models(console: Console, models: list[dict[str, Any]]) -> None:
    """Beside NEWS2 of 5 and more, asked at the same times and by the same counts."""
    table = Table("figure", *(row["model"] for row in models), title="What the models would have done")
    for name, words in _SHOWN.items():
        table.add_row(words, *("–" if row[name] is None else f"{row[name]:g}" for row in models))
    console.print(table)


def _print(summary: dict[str, Any], out: Path) -> None:
    console = Console()
    for row in summary["policies"]:
        table = Table("figure", "value", title=f"Policy {row['policy']}")
        for name in ("patients", "readings", "patient_days"):
            table.add_row(name.replace("_", " "), str(row[name]))
        for name in ("physiological_alerts", "unverified_alerts", "technical_alerts", "interruptions"):
            value = row[f"{name}_per_patient_day"]
            table.add_row(f"{name.replace('_', ' ')} a patient-day", "–" if value is None else f"{value:.2f}")
        console.print(table)
    if "models" in summary:
        _print_models(console, summary["models"])
    refused = summary["input"]["refused"]
    if refused:
        console.print("refused rows: " + ", ".join(f"{reason} {number}" for reason, number in refused.items()))
        for example in summary["input"]["refused_examples"][:3]:
            console.print(f"  {example}")
    foretold = "predictions.parquet, " if "models" in summary else ""
    files = f"episodes.jsonl, notices.jsonl, {foretold}scores.parquet and summary.json"
    console.print(f"{files} are in {out}", soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.command("backtest")(backtest)
