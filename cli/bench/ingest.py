"""``vigil bench ingest``: what ingest can take, beside the broker's null subscriber and a textbook pipeline, in one run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from cli.bench.ingestion import drains
from cli.bench.ingestion.backlog import BATCHED, SINGLE, Shape, messages
from cli.bench.ingestion.drains import Drained, Waiting
from cli.bench.ingestion.site import Site, open_site
from cli.bench.ingestion.steady import Delays, delays
from vigil.domain.errors import ConfigError
from vigil.domain.readings import F64
from vigil.runtime import log
from vigil.runtime.clock import SystemClock

#: The goals (design, "What it must reach").
SUSTAINED_VALUES, EVERYTHING_ON, DECODE_AND_ACK = 300_000.0, 0.35, 0.5
#: Upper edges of the histogram, milliseconds.
EDGES_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_BAR = 40


@dataclass(frozen=True, slots=True)
class Contestant:
    """``share`` of the messages that it gets: a slow one would take minutes."""

    name: str
    drain: Callable[[Site, Shape, Waiting], Drained]
    share: float = 1.0


NULL = "null subscriber"
DECODER = "decode + acknowledge"
CORE = "Vigil, everything on"
TEXTBOOK = "textbook: aiomqtt, json, one insert a value"
CONTESTANTS = (
    Contestant(NULL, drains.null_subscriber),
    Contestant(DECODER, drains.decoder),
    Contestant(CORE, drains.core),
    Contestant(TEXTBOOK, drains.textbook, 0.02),
)


def ingest(
    count: Annotated[
        int, typer.Option("--messages", min=500, help="Messages of one reading; a quarter of ten.")
    ] = 40_000,
    devices: Annotated[int, typer.Option(min=10, max=2000, help="Devices that they come from.")] = 200,
    steady: Annotated[float, typer.Option(min=1, help="Seconds at a steady rate, for the delays.")] = 20.0,
    rate: Annotated[int, typer.Option(min=1, max=2000, help="Packs of six values a second meanwhile.")] = 200,
    out: Annotated[Path | None, typer.Option("--json", help="Also write the numbers into this file.")] = None,
) -> None:
    """Messages and values a second from a full broker, and delays at a steady rate. Needs mosquitto."""
    log.setup("bench", "warning")
    console, clock = Console(), SystemClock()
    rates: dict[str, dict[str, Drained]] = {}
    names = {shape.name: _names(shape.name, devices) for shape in (SINGLE, BATCHED)}
    steadily = _names("steady", rate)
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        everybody = [*(name for each in names.values() for name in each), *steadily]
        with open_site(Path(folder), everybody, clock) as site:
            for shape, size in ((SINGLE, count), (BATCHED, count // 4)):
                for number, each in enumerate(CONTESTANTS):
                    wanted = max(round(size * each.share), 1)
                    waiting = list(messages(names[shape.name], shape, wanted, number, clock.now_us()))
                    rates.setdefault(each.name, {})[shape.name] = each.drain(site, shape, waiting)
            found = delays(site, steadily, steady)
    _print(console, rates, found, rate)
    if out is not None:
        _write(out, rates, found)


def _names(group: str, size: int) -> tuple[str, ...]:
    return tuple(f"bench-{group.split()[0]}-{number:04d}" for number in range(size))


def _print(console: Console, rates: dict[str, dict[str, Drained]], found: Delays, rate: int) -> None:
    table = Table("who", title="Drained from a full broker: messages/s, values/s, share of the null subscriber")
    for shape in (SINGLE, BATCHED):
        table.add_column(shape.name, justify="right")
    for name, by_shape in rates.items():
        cells = []
        for shape in (SINGLE, BATCHED):
            one = by_shape[shape.name]
            share = one.message_rate / rates[NULL][shape.name].message_rate
            cells.append(f"{one.message_rate:,.0f}  {one.value_rate:,.0f}  {share:.2f}")
        table.add_row(name, *cells)
    console.print(table)
    console.print(_goals(rates))
    console.print(_histogram(found, rate))


def _goals(rates: dict[str, dict[str, Drained]]) -> Table:
    single = {name: by_shape[SINGLE.name].message_rate for name, by_shape in rates.items()}
    sustained = rates[CORE][BATCHED.name].value_rate
    rows = [
        ("sustained, everything on, 10 readings a message", SUSTAINED_VALUES, sustained, "{:,.0f} values/s"),
        (
            "1 reading a message, everything on, of the null subscriber",
            EVERYTHING_ON,
            single[CORE] / single[NULL],
            "{:.2f}",
        ),
        ("the same, decode + acknowledge only", DECODE_AND_ACK, single[DECODER] / single[NULL], "{:.2f}"),
    ]
    table = Table("figure", "goal", "found", "reached")
    for what, goal, value, form in rows:
        table.add_row(what, f"≥ {form.format(goal)}", form.format(value), "yes" if value >= goal else "no")
    return table


def _histogram(found: Delays, rate: int) -> Table:
    """``stored``: until ``cmd/ack``, of which a device gets one a second at most. ``shown``: until the event stream, which speaks
    once a second."""
    title = f"{found.sent:,} packs at {rate}/s: how many were stored, and shown, after so long"
    table = Table("within", "stored", "", "shown", "", title=title)
    stored, shown = _counts(found.stored), _counts(found.shown)
    for edge, one, other in zip([*(f"{edge} ms" for edge in EDGES_MS), "later"], stored, shown, strict=True):
        table.add_row(edge, f"{one:,}", _bar(one, stored), f"{other:,}", _bar(other, shown))
    for name, share in (("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("max", 100)):
        table.add_row(name, _percentile(found.stored, share), "", _percentile(found.shown, share), "")
    table.add_row("never", f"{found.sent - found.stored.size:,}", "", "", "")
    return table


def _counts(seconds: F64) -> list[int]:
    place = np.searchsorted(np.array(EDGES_MS) / 1000, seconds)
    return [int(count) for count in np.bincount(place, minlength=len(EDGES_MS) + 1)]


def _bar(count: int, counts: list[int]) -> str:
    return "█" * round(_BAR * count / max(sum(counts), 1))


def _percentile(seconds: F64, share: float) -> str:
    return f"{np.percentile(seconds, share) * 1000:.0f} ms" if seconds.size else "–"


def _write(path: Path, rates: dict[str, dict[str, Drained]], found: Delays) -> None:
    """Raises ``ConfigError`` when the file cannot be written."""
    whole = {
        "drained": {name: {shape: asdict(one) for shape, one in by_shape.items()} for name, by_shape in rates.items()},
        "steady": {"sent": found.sent, "stored_s": found.stored.tolist(), "shown_s": found.shown.tolist()},
    }
    try:
        path.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path.name}: {error.strerror}") from error
