"""``vigil bench api``: how soon a large site's core answers while it takes in values, and what many open streams cost it."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.auth import Role
from cli.bench.api_questions import Asked, ask, questions
from cli.bench.api_sender import in_tens, sending
from cli.bench.api_streams import Core, Publishing, Watched, watched
from cli.bench.api_ward import BEDS, People, admit, people_of, remember
from cli.bench.ingestion.backlog import VITALS
from cli.bench.ingestion.site import Site, open_site
from cli.demo_token import token
from vigil.domain.errors import ConfigError
from vigil.runtime import log
from vigil.runtime.clock import Clock, SystemClock

#: Alerts that are open.
OPEN = 100
#: With one vital and with all of them, the processor time that the clients cost differs by less than this (ours).
ALIKE = 2.0
_SAID = {True: "yes", False: "no", None: "–"}


def api(
    patients: Annotated[int, typer.Option(min=2 * BEDS, max=100_000, help="People of the site.")] = 10_000,
    rate: Annotated[int, typer.Option(min=VITALS * 10, max=100_000, help="Values a second meanwhile.")] = 10_000,
    history: Annotated[
        int, typer.Option(min=0, max=50_000_000, help="Readings of the day before, about.")
    ] = 10_000_000,
    settle: Annotated[
        float, typer.Option(min=0, max=120, help="Seconds until it is asked, while kernels compile.")
    ] = 15.0,
    seconds: Annotated[float, typer.Option(min=1, max=300, help="So long it is asked.")] = 30.0,
    clients: Annotated[int, typer.Option(min=1, max=900, help="Open event streams of one ward.")] = 500,
    watch: Annotated[float, typer.Option(min=1, max=60, help="Seconds of each measurement with streams.")] = 8.0,
    out: Annotated[Path | None, typer.Option("--json", help="Also write the numbers into this file.")] = None,
) -> None:
    """Latest values, a day of one vital, the alert list; then many event streams of one ward. Needs mosquitto."""
    log.setup("bench", "warning")
    console, clock = Console(), SystemClock()
    asked, busy = _asked(people_of(patients, rate), history, settle, seconds, clock)
    console.print(_answers(asked, f"{patients:,} people, {rate:,} values/s, core {busy:.0%} of a processor, {_load()}"))
    seen = _watched(clients, watch, clock)
    console.print(_streams(seen))
    if out is not None:
        _write(out, asked, seen)


def _asked(people: People, history: int, settle: float, seconds: float, clock: Clock) -> tuple[list[Asked], float]:
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as name:
        folder = Path(name)
        with open_site(folder, people.worn, clock, lambda at, keys: admit(at, keys, people, clock)) as site:
            remember(folder, people, history, min(OPEN, len(people.spot)), clock)
            access = token(site.keys, Role.NURSE, "bench")
            with site.core() as process, sending(site, *in_tens(site, people.worn, settle + 2 * seconds + 60.0)):
                clock.sleep(settle)
                core, began = Core(process.pid, clock), clock.monotonic()
                before = core.cpu_s()
                found = ask(site, access, questions(people), seconds)
                return found, (core.cpu_s() - before) / (clock.monotonic() - began)


def _watched(clients: int, seconds: float, clock: Clock) -> Watched:
    people = people_of(BEDS, BEDS * VITALS)
    with (
        tempfile.TemporaryDirectory(prefix="vigil-bench-") as name,
        open_site(Path(name), people.worn, clock, lambda at, keys: admit(at, keys, people, clock)) as site,
        site.core() as process,
    ):
        return asyncio.run(_look(site, process.pid, people, clients, seconds))


async def _look(site: Site, pid: int, people: People, clients: int, seconds: float) -> Watched:
    return await watched(site, pid, token(site.keys, Role.NURSE, "bench"), people.worn, clients, seconds)


def _answers(asked: list[Asked], title: str) -> Table:
    """``times``: half of the answers, in those of the bare request of the same run."""
    table = Table("question", "holds", "p50 ms", "p90 ms", "times bare", "goal ms", "reached", title=title)
    bare = asked[0].percentile(50)
    for one in asked:
        half, goal = one.percentile(50), one.question.goal_s
        table.add_row(
            one.question.name,
            f"{one.size:,} in {one.octets / 1000:.1f} kB",
            f"{half * 1e3:.1f}",
            f"{one.percentile(90) * 1e3:.1f}",
            f"{half / bare:.1f}",
            "" if goal is None else f"< {goal * 1e3:.0f}",
            _SAID[None if goal is None else half < goal],
        )
    return table


def _streams(seen: Watched) -> Table:
    few, many = seen.publishing[0], seen.publishing[-1]
    table = Table("figure", "value", title=f"{seen.clients} event streams of a ward of {BEDS}, {_load()}")
    table.add_row("memory of one while nothing happens", f"{seen.idle / 1000:.0f} kB")
    for one in seen.publishing:
        table.add_row(f"{_fields(one)} of each person a second: a client gets", f"{one.octets / 1000:.0f} kB/s")
        table.add_row("the core alone", f"{one.alone:.1%} of a processor")
        table.add_row("all clients, more", f"{one.cpu:.1%}, {one.cpu / seen.clients * 1e6:.0f} µs a client and second")
    grown = many.cpu / few.cpu if few.cpu > 0 else None
    said = "not measured" if grown is None else f"{grown:.1f} times (goal < {ALIKE:g}: {_SAID[grown < ALIKE]})"
    table.add_row(f"{_fields(many)} against {_fields(few)}", said)
    return table


def _fields(one: Publishing) -> str:
    return f"{one.fields} vital{'s' if one.fields > 1 else ''}"


def _load() -> str:
    """Who else is busy on this machine moves every figure."""
    return f"load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors"


def _write(path: Path, asked: list[Asked], seen: Watched) -> None:
    """Raises ``ConfigError`` when the file cannot be written."""
    answers: list[dict[str, Any]] = [
        {
            "question": one.question.name,
            "goal_s": one.question.goal_s,
            "size": one.size,
            "octets": one.octets,
            "seconds": one.seconds,
        }
        for one in asked
    ]
    try:
        path.write_text(json.dumps({"answers": answers, "streams": asdict(seen)}, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path.name}: {error.strerror}") from error
