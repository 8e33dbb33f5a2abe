"""``vigil models``: which risk models there are, whether they can be trusted, and what each may do."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from analytics.risk.registry import Entry, Registry
from cli.installation import ConfigFile, DataDir, settings
from vigil.domain.errors import ModelError
from vigil.domain.risk import ModelState
from vigil.domain.times import to_iso
from vigil.runtime.clock import SystemClock

commands = typer.Typer(
    help="Risk models: list, check, put into shadow, activate, retire (docs/models.md).", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Name of the model.")]
By = Annotated[str, typer.Option("--by", help="Who decides.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]


@commands.command("list")
def list_models(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Every model with its state; exit code 1 when one that should be in use is refused."""
    entries = Registry(settings(config, data_dir).data_dir).list()
    table = Table("name", "state", "version", "since", "by", "foretells", "finding")
    for entry in entries:
        last = entry.history[-1] if entry.history else None
        table.add_row(
            entry.name,
            entry.state.value if entry.state else "not in use",
            entry.model.version if entry.model else (last.hash[:12] if last else ""),
            to_iso(last.at)[:16].replace("T", " ") if last else "",
            last.by if last else "",
            entry.model.label if entry.model else "",
            f"REFUSED: {entry.problem}" if entry.problem else "ok",
        )
    Console().print(table if entries else "there are no models: vigil train makes one (docs/models.md)")
    raise typer.Exit(1 if any(_missed(entry) for entry in entries) else 0)


@commands.command("show")
def show(name: Name, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """What a model foretells, from what, where it is kept, and every decision about it."""
    entry = _entry(Registry(settings(config, data_dir).data_dir), name)
    console = Console()
    facts = Table(show_header=False, title=name)
    for what, fact in _facts(entry):
        facts.add_row(what, fact)
    console.print(facts)
    decisions = Table("at (UTC)", "state", "version", "by", "reason", title="decisions")
    for one in entry.history:
        decisions.add_row(to_iso(one.at)[:16].replace("T", " "), one.state.value, one.hash[:12], one.by, one.reason)
    if entry.history:
        console.print(decisions)


@commands.command("verify")
def verify(name: Name, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Read every byte of a model, compute its self-check, look for gaps in its card; exit code 1 when something is wrong."""
    registry = Registry(settings(config, data_dir).data_dir)
    problems = registry.verify(name)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{name}: every file is as it was written, the self-check gives the same numbers, the card is complete")


@commands.command("shadow")
def shadow(name: Name, by: By, reason: Reason, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Let a model score unseen: it is compared, shown to nobody, and calls nobody."""
    _decide(name, ModelState.SHADOW, by, reason, data_dir, config)


@commands.command("activate")
def activate(
    name: Name,
    by: By,
    reason: Reason,
    without_shadow: Annotated[
        bool, typer.Option("--without-shadow", help="Although it has never been in shadow here.")
    ] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Show a model's predictions, and let it call where a policy names it under findings."""
    _decide(name, ModelState.ACTIVE, by, reason, data_dir, config, without_shadow)


@commands.command("retire")
def retire(name: Name, by: By, reason: Reason, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Take a model out of use; what it foretold stays stored."""
    _decide(name, ModelState.RETIRED, by, reason, data_dir, config)


def _decide(
    name: str,
    state: ModelState,
    by: str,
    reason: str,
    data_dir: DataDir,
    config: ConfigFile,
    without_shadow: bool = False,
) -> None:
    registry = Registry(settings(config, data_dir).data_dir)
    for warning in registry.set_state(name, state, by, reason, SystemClock().now_us(), without_shadow=without_shadow):
        typer.echo(f"note: {warning}")
    typer.echo(f"{name}: {state.value}; a running vigil sees it within a minute")


def _entry(registry: Registry, name: str) -> Entry:
    found = next((entry for entry in registry.list() if entry.name == name), None)
    if found is None:
        known = ", ".join(entry.name for entry in registry.list()) or "none"
        raise ModelError(f"there is no model {name}; there are: {known}")
    return found


def _facts(entry: Entry) -> list[tuple[str, str]]:
    facts = [("state", entry.state.value if entry.state else "not in use")]
    if entry.path is not None:
        facts.append(("folder", f"{entry.path}{' (comes with Vigil)' if entry.shipped else ''}"))
    if entry.problem:
        facts.append(("REFUSED", entry.problem))
    if (model := entry.model) is not None:
        facts += [
            ("foretells", model.label),
            ("hash", model.hash),
            ("features", f"{model.predictor.feature_set} ({len(model.reference.names) - 1})"),
            ("alerts from", f"{model.predictor.threshold:.4f}"),
            (
                "learnt from",
                f"{model.reference.patients} patients, {model.reference.rows} hours, data {model.fingerprint[:12]}",
            ),
            ("made with", ", ".join(f"{library} {version}" for library, version in model.fitted_with.items())),
            ("card", str(model.path / "card.html")),
            (
                "signed off by",
                "; ".join(f"{one.who} ({one.role}, {one.on})" for one in model.card.approvals) or "nobody",
            ),
            ("to be evaluated anew by", model.card.revalidate_by),
            ("card lacks", ", ".join(model.card.check(model.report)) or "nothing"),
        ]
    return facts


def _missed(entry: Entry) -> bool:
    return bool(entry.problem) and entry.state in (ModelState.SHADOW, ModelState.ACTIVE)


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="models")
