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
from analytics.backtest.run import Plan, Source, run
from analytics.finding_alerts import finding_names
from cli.installation import ConfigFile, DataDir, settings
from vigil.domain.errors import ConfigError, InvalidInput
from vigil.domain.policy import DEFAULT_POLICY, Policy
from vigil.domain.policy_file import parse_policy
from vigil.domain.times import from_iso
from vigil.runtime import log
from vigil.runtime.keys import load_keys
from vigil.store.records.store import SqlRecordStore

STORE = "store"


def backtest(
    source: Annotated[str, typer.Option("--input", help="A CSV or Parquet file, or: store, the stopped Vigil's own.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; a run that was interrupted goes on there.")],
    policy: Annotated[Path | None, typer.Option(help="TOML file; without one the starting policy.")] = None,
    patients: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="Measured at or after, ISO 8601 with a zone.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Measured before, ISO 8601 with a zone.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first row that is no reading.")] = False,
    response_s: Annotated[
        float, typer.Option("--response", min=0, help="Seconds until the supposed nurse acknowledges an alert.")
    ] = RESPONSE_S,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes [as many as there are cores].")] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Judge recorded readings on a virtual clock; writes episodes, notices, scores and a summary."""
    log.setup("backtest", "warning")
    chosen = settings(config, data_dir)
    wanted = tuple(sorted(set(patients.split(",")))) if patients else None
    start, end = _moment("--from", first), _moment("--to", last)
    if source == STORE:
        read, own = _of_installation(chosen.data_dir, wanted, start, end)
    else:
        read, own = Source(Path(source), patients=wanted, first=start, last=end, strict=strict), {}
        if not read.path.is_file():
            raise ConfigError(f"there is no file {source}")
    default, name = (DEFAULT_POLICY, "default") if policy is None else (_policy(policy), policy.stem)
    plan = Plan(
        read, out, default, name, own if policy is None else {}, response_s, workers or len(os.sched_getaffinity(0))
    )
    columns = (TextColumn("patients"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("patients", total=None)
        summary = run(plan, lambda done, total: progress.update(task, completed=done, total=total))
    _print(summary, out)


def _moment(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from error


def _policy(path: Path) -> Policy:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    return parse_policy(text, path.name, frozenset(finding_names()))


def _of_installation(
    data_dir: Path, wanted: tuple[str, ...] | None, start: int | None, end: int | None
) -> tuple[Source, dict[str, Policy]]:
    """The readings of a Vigil that is not running, with its people and their policies."""
    path = data_dir / "readings.duckdb"
    if not path.is_file():
        raise ConfigError(f"there is no Vigil in {data_dir}: name --data-dir")
    key = load_keys(data_dir).record_key.encode()
    records = SqlRecordStore(f"sqlite:///{data_dir / 'records.sqlite3'}", key)
    try:
        people = tuple(records.patients(include_discharged=True))
        own = {each.patient_id: found for each in people if (found := records.policy(each.patient_id)) is not None}
        bindings = tuple(records.bindings())
    finally:
        records.close()
    return Source(path, True, people, bindings, wanted, start, end), own


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
    refused = summary["input"]["refused"]
    if refused:
        console.print("refused rows: " + ", ".join(f"{reason} {number}" for reason, number in refused.items()))
        for example in summary["input"]["refused_examples"][:3]:
            console.print(f"  {example}")
    console.print(f"episodes.jsonl, notices.jsonl, scores.parquet and summary.json are in {out}", soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.command("backtest")(backtest)
