"""``vigil bench``: what Vigil can do on this machine, measured, one module a command."""

from __future__ import annotations

import typer

from cli.bench.api import api
from cli.bench.engine import engine
from cli.bench.ingest import ingest
from cli.bench.latency import latency
from cli.bench.noticed import noticed
from cli.bench.page import page
from cli.bench.risk import risk
from cli.bench.store import store

commands = typer.Typer(help="Measure Vigil on this machine.", no_args_is_help=True)
commands.command("latency")(latency)
commands.command("engine")(engine)
commands.command("ingest")(ingest)
commands.command("risk")(risk)
commands.command("api")(api)
commands.command("store")(store)
commands.command("page")(page)
commands.command("noticed")(noticed)


@commands.callback()
def bench() -> None:
    """Measure Vigil on this machine."""


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="bench")
