"""``vigil risk``: what a model says of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from analytics.risk.folder import MANIFEST, Model, open_folder
from analytics.risk.registry import Registry
from analytics.risk.score_table import Scored, score
from cli.installation import ConfigFile, DataDir, settings

commands = typer.Typer(help="Risk models on tables (docs/risk.md).", no_args_is_help=True)


@commands.callback()
def risk() -> None:
    """Risk models on tables (docs/risk.md)."""


@commands.command("score")
def score_table(
    model: Annotated[str, typer.Option("--model", help="A model that vigil models lists, or a model folder.")],
    source: Annotated[
        Path, typer.Option("--input", help="Hours in the columns of the Challenge 2019: .parquet, .csv or .psv.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Where to write patient_id, ICULOS, probability, alert: .csv or .parquet.")
    ],
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Score every hour of a table, each from that hour and earlier ones only."""
    found = _model(model, data_dir, config)
    _print(found, score(found, source, out), out)


def _model(name: str, data_dir: DataDir, config: ConfigFile) -> Model:
    """A folder goes by its path, whatever state it is in: scoring a table calls nobody."""
    path = Path(name)
    if (path / MANIFEST).exists() or len(path.parts) > 1:
        return open_folder(path)
    return Registry(settings(config, data_dir).data_dir).find(name)


def _print(model: Model, scored: Scored, out: Path) -> None:
    console = Console()
    table = Table("figure", "value", title=f"{model.name} {model.version}: {model.label}")
    table.add_row("patients", str(scored.patients))
    table.add_row("hours", str(scored.hours))
    table.add_row("hours that alert", f"{scored.alerts} ({scored.alerts / scored.hours:.1%})")
    table.add_row("hours decided by NEWS2", str(sum(scored.abstained.values())))
    for reason, count in scored.abstained.items():
        table.add_row(f"  {reason}", str(count))
    console.print(table)
    console.print(f"written to {out}", soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="risk")
