"""``vigil bench page``: what the nurse station costs its browser while everybody on a large ward says something each second."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.auth import Role
from api.web import script_bytes
from cli.bench.api_sender import each_second, sending
from cli.bench.api_ward import BEDS, admit, people_of
from cli.bench.ingestion.backlog import VITALS
from cli.bench.ingestion.site import Site, open_site
from cli.bench.page_browser import Looked, Opened, browser, look, opened
from cli.demo_token import token
from vigil.domain.errors import ConfigError
from vigil.runtime import log
from vigil.runtime.clock import SystemClock

#: Goals of the issue: milliseconds of script a tick, seconds until a patient can be seen.
TICK_MS, FIRST_S = 50.0, 1.0
#: Heap that grows by less is called flat (ours).
FLAT_MB_MIN = 1.0
#: Views that are looked at, each as long.
VIEWS = ("ward", "ward as table", "worklist", "patient")
#: The page is opened so often, each time by a browser that has seen nothing of it.
OPENINGS = 5
_SAID = {True: "yes", False: "no"}
_WEB = Path(__file__).parents[2] / "api" / "web"


def page(
    patients: Annotated[
        int, typer.Option(min=2 * BEDS, max=5_000, help="People; each says six vitals a second.")
    ] = 1000,
    settle: Annotated[float, typer.Option(min=1, max=120, help="Seconds until it is looked at.")] = 15.0,
    seconds: Annotated[
        float, typer.Option(min=5, max=1200, help="So long the script of each view is looked at, and its heap.")
    ] = 60.0,
    out: Annotated[Path | None, typer.Option("--json", help="Also write the numbers into this file.")] = None,
) -> None:
    """Script a tick, heap, nodes and first sight of the page in Chromium. Needs mosquitto, chromium and playwright."""
    log.setup("bench", "warning")
    console, clock = Console(), SystemClock()
    people = people_of(patients, patients * VITALS)
    with (
        tempfile.TemporaryDirectory(prefix="vigil-bench-") as name,
        open_site(Path(name), people.worn, clock, lambda at, keys: admit(at, keys, people, clock)) as site,
        site.core(),
    ):
        sent = each_second(site, people.worn, VITALS, settle + len(VIEWS) * 2 * (seconds + 15.0) + 120.0)
        with sending(site, *sent):
            clock.sleep(settle)
            first, seen = measure(site, people.patient(0), seconds, clock.sleep)
            console.print(table(patients, first, seen))  # also when the sensors were late, which is said then
    if out is not None:
        _write(out, first, seen)


def measure(
    site: Site, patient: str, seconds: float, sleep: Callable[[float], None]
) -> tuple[list[Opened], list[Looked]]:
    """Opens the page anew some times, then looks at each of ``VIEWS``; ``patient``: whose own view. Raises ``ConfigError``."""
    access = token(site.keys, Role.NURSE, "bench")
    with browser() as running:
        first = [opened(running, site.url, access) for _ in range(OPENINGS)]
        return first, [look(running, site.url, access, view, patient, seconds, sleep) for view in VIEWS]


def table(patients: int, first: list[Opened], seen: list[Looked]) -> Table:
    """The figures and whether their goals are reached."""
    title = f"{patients:,} people at 1 Hz, load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors"
    shown = Table("figure", "value", "goal", "reached", title=title)
    useful = sorted(one.useful_ms for one in first)
    half = useful[len(useful) // 2]
    shown.add_row(
        "first patient to be seen, half of the times", f"{half:.0f} ms", f"< {FIRST_S:g} s", _SAID[half < FIRST_S * 1e3]
    )
    shown.add_row("the slowest of them", f"{useful[-1]:.0f} ms", "", "")
    shown.add_row("all script, gzip", f"{_script_kb():.1f} kB", "< 150 kB", _SAID[_script_kb() < 150])
    for one in seen:
        mean, slope = one.script_ms, one.heap_mb_min
        shown.add_row(
            f"{one.view}: script a tick, half of them", f"{mean:.1f} ms", f"< {TICK_MS:g} ms", _SAID[mean < TICK_MS]
        )
        shown.add_row("  the worst tick", f"{one.worst_ms:.1f} ms", "", "")
        shown.add_row("  CPU of the page's thread a second", f"{one.task_ms:.0f} ms", "", "")
        shown.add_row("  ticks", f"{one.ticks} in {one.seconds:.0f} s", "", "")
        shown.add_row(
            "  heap after collecting, growth",
            f"{one.heap_mb:.1f} MB, {slope:+.2f} MB/min",
            f"< {FLAT_MB_MIN:g}",
            _SAID[slope < FLAT_MB_MIN],
        )
        shown.add_row("  nodes at first, at most", f"{one.nodes:,}, {one.most_nodes:,}", "", "")
    return shown


def _script_kb() -> float:
    return script_bytes(_WEB) / 1000


def _write(path: Path, first: list[Opened], seen: list[Looked]) -> None:
    """Raises ``ConfigError`` when the file cannot be written."""
    document = {"opened": [asdict(one) for one in first], "views": [asdict(one) for one in seen]}
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path.name}: {error.strerror}") from error
