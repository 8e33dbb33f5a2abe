"""``vigil bench risk``: a quarter of an hour's decision about everybody, measured on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.installation import ConfigFile, DataDir, settings
from vigil.runtime import log
from vigil.runtime.clock import SystemClock

#: A model that learns here from invented people: as large as a real one.
INVENTED = "invented"
PEOPLE = 10_000


def risk(
    model: Annotated[str, typer.Option(help="A risk model by name; invented: one that knows nothing.")] = INVENTED,
    people: Annotated[int, typer.Option(min=100, max=100_000, help="Decided about at once.")] = PEOPLE,
    rounds: Annotated[int, typer.Option(min=3, max=999, help="Medians of so many are shown.")] = 21,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Features and prediction of everybody at once, against the library's call alone."""
    # Here, because the libraries that models need take a second that no other command should wait for.
    from analytics.risk.registry import Registry
    from cli.bench.decisions import invented, measured, shown

    log.setup("bench", "warning")
    wanted = invented() if model == INVENTED else Registry(settings(config, data_dir).data_dir).find(model).predictor
    table = Table("figure", "value", title=f"Model {model}, {people:,} people")
    for name, value in shown(measured(wanted, people, rounds, SystemClock())):
        table.add_row(name, value)
    Console().print(table)
