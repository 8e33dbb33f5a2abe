"""``vigil replay``: recordings of real people, sent through the same door as any device, or written as a table."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from api.auth import Role
from cli.client import Client, demo_patient
from cli.demo_token import token
from cli.fleet import AnyFleet, open_fleet, until_stopped
from cli.installation import ConfigFile, DataDir, Running, settings
from simulators.export import START_US, check_path, write_table
from simulators.packs import Pack
from simulators.recording import Recording, first_hours, packs
from simulators.replay import dataset_names, load_recordings
from simulators.send_outbox import Counts
from vigil.domain.errors import ConfigError
from vigil.domain.times import SECOND, to_iso
from vigil.runtime import log
from vigil.runtime.clock import Clock, SystemClock
from vigil.runtime.keys import load_keys

#: After the last pack, how long the platform has to acknowledge everything.
DRAIN_S = 120.0
#: Episodes that were over when they arrived are told together, once nothing was added for 5 s.
SETTLE_S = 8.0
#: As many alerts of one patient as the platform lists at once.
LISTED = 1000

DATASETS = ", ".join(dataset_names())


def replay(
    dataset: Annotated[str, typer.Argument(help=f"Which recordings: {DATASETS}.")],
    path: Annotated[Path, typer.Argument(help="Folder of the recordings.")],
    speed: Annotated[
        float, typer.Option(min=0.1, max=10_000, help="Times faster than life; time stamps keep their spacing.")
    ] = 1.0,
    joined: Annotated[int, typer.Option(min=1, max=60, help="Seconds of measurements in one pack.")] = 1,
    via: Annotated[str, typer.Option(help="mqtt or gateway.")] = "mqtt",
    keep_bound: Annotated[bool, typer.Option("--keep-bound", help="Leave the devices bound at the end.")] = False,
    patients: Annotated[int | None, typer.Option(min=1, help="The first recordings only, so many.")] = None,
    hours: Annotated[float | None, typer.Option(min=0.01, help="Of each recording the first hours only.")] = None,
    to: Annotated[
        Path | None,
        typer.Option(help=f"Write a table (.parquet or .csv) that starts at {to_iso(START_US)} instead of sending."),
    ] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Send recordings to a running Vigil; at the end the last value is as old as now."""
    if to is not None:
        check_path(to)
        _write(_chosen(dataset, path, patients, hours), to)
        return
    chosen = settings(config, data_dir)
    log.setup("replay", chosen.log_level)
    running = Running.require(chosen.data_dir)
    recordings = _chosen(dataset, path, patients, hours)
    access = token(load_keys(chosen.data_dir), Role.ADMIN, "replay")
    plan = Plan(dataset, recordings, speed, joined, via, keep_bound)
    asyncio.run(until_stopped(_run(running, access, plan, chosen.data_dir, SystemClock())))


def _chosen(dataset: str, path: Path, patients: int | None, hours: float | None) -> Sequence[Recording]:
    if not path.is_dir():
        raise ConfigError(f"{path} is not a folder of recordings")
    recordings = load_recordings(dataset, path)[:patients]
    return recordings if hours is None else [first_hours(recording, hours) for recording in recordings]


def _write(recordings: Sequence[Recording], to: Path) -> None:
    """The table, and what is in it."""
    counts = write_table(recordings, to)
    table = Table("vital", "values", "tried, no value", title=f"{len(recordings)} recordings")
    for vital, written in counts.items():
        table.add_row(vital, str(written.values), str(written.tried))
    values, tried = (sum(getattr(one, what) for one in counts.values()) for what in ("values", "tried"))
    table.add_row("all", str(values), str(tried))
    Console().print(table)


@dataclass(frozen=True, slots=True)
class Plan:
    dataset: str
    recordings: Sequence[Recording]
    speed: float
    joined: int
    via: str
    keep_bound: bool


async def _run(running: Running, access: str, plan: Plan, data_dir: Path, clock: Clock) -> None:
    client = Client(running.http_url, access)
    try:
        await client.wait_ready(60)
        start = _start(plan, clock)
        began = clock.now_us()
        devices = [(recording.device_id, f"recording {plan.dataset}") for recording in plan.recordings]
        for recording in plan.recordings:
            await client.ensure_patient(_patient(plan.dataset, recording, clock))
        async with open_fleet(plan.via, plan.dataset, running, client, devices, data_dir, clock) as fleet:
            for recording in plan.recordings:
                await client.bind(recording.device_id, recording.device_id, to_iso(start - SECOND))
            await _play(plan, start, fleet, clock)
            counts = await fleet.drain(DRAIN_S)
        await asyncio.sleep(SETTLE_S)
        if not plan.keep_bound:
            for device_id, _ in devices:
                await client.call("DELETE", f"/api/v1/devices/{device_id}/binding")
        await _report(client, counts, began)
    finally:
        await client.close()


def _start(plan: Plan, clock: Clock) -> int:
    """When second 0 was "measured": so early that no value is ever ahead of the clock and the last one is of now."""
    length = max(int(recording.seconds[-1]) for recording in plan.recordings)
    lead = 0.0 if plan.speed <= 1 else length * (1 - 1 / plan.speed)
    return clock.now_us() // SECOND * SECOND - round(lead) * SECOND


def _patient(dataset: str, recording: Recording, clock: Clock) -> dict[str, Any]:
    family = f"{dataset.upper()} {recording.device_id.partition('-')[2]}"
    ward = f"Replay {dataset}"
    return demo_patient(recording.device_id, family, "(recording)", recording.age, recording.sex, ward, clock)


def _merged(plan: Plan, start: int) -> Iterator[tuple[int, Pack]]:
    """All packs in the order in which they fall due."""
    streams = [packs(recording, start, plan.joined) for recording in plan.recordings]
    return heapq.merge(*streams, key=lambda item: item[0])


async def _play(plan: Plan, start: int, fleet: AnyFleet, clock: Clock) -> None:
    length = max(int(recording.seconds[-1]) for recording in plan.recordings)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeRemainingColumn(),
    )
    began = clock.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{len(plan.recordings)} recordings, {plan.speed:g} times life", total=length)
        for due, pack in _merged(plan, start):
            wait = due / SECOND / plan.speed - (clock.monotonic() - began)
            if wait > 0:
                await asyncio.sleep(wait)
            await fleet.send(pack)
            progress.update(task, completed=due / SECOND)


async def _report(client: Client, counts: dict[str, Counts], began: int) -> None:
    """Sent against stored and refused, from the platform's own store, and the alerts that came of it."""
    totals: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for device_id, count in counts.items():
        answer = await client.call("GET", f"/api/v1/devices/{device_id}/deliveries?since={to_iso(began)}")
        totals.update(sent=count.values_sent, stored=answer["values_stored"], resent=count.resent)
        refused.update(answer["values_refused"])
    table = Table("what", "values", title="Replay")
    table.add_row("sent", str(totals["sent"]))
    table.add_row("stored", str(totals["stored"]))
    for reason, number in sorted(refused.items()):
        table.add_row(f"refused: {reason}", str(number))
    missing = totals["sent"] - totals["stored"] - sum(refused.values())
    table.add_row("missing (sent - stored - refused)", str(missing))
    table.add_row("packs sent again", str(totals["resent"]))
    console = Console()
    console.print(table)
    alerts: list[dict[str, Any]] = []
    for patient_id in counts:  # one by one: the work list leaves out what was resolved more than a week ago
        answer = await client.call("GET", f"/api/v1/patients/{patient_id}/alerts?state=all&limit={LISTED}")
        alerts += [alert for alert in answer["items"] if alert["opened_at"] >= to_iso(began)]
    _print_alerts(console, alerts)


def _print_alerts(console: Console, alerts: list[dict[str, Any]]) -> None:
    table = Table("rule", "priority", "kind", "alerts", "retrospective", title=f"{len(alerts)} alerts")
    groups = Counter((a["rule"], a["peak_priority"], a["kind"]) for a in alerts)
    late = Counter((a["rule"], a["peak_priority"], a["kind"]) for a in alerts if a["retrospective"])
    for key, number in sorted(groups.items()):
        table.add_row(*key, str(number), str(late[key]))
    console.print(table)


def register(app: typer.Typer) -> None:
    app.command("replay")(replay)
