"""``vigil simulate``: a ward of virtual patients, published as their devices would."""

from __future__ import annotations

import asyncio
import logging
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from api.auth import Role
from cli.client import Client, demo_patient
from cli.demo_token import token
from cli.fleet import AnyFleet, open_fleet, until_stopped
from cli.installation import ConfigFile, DataDir, Running, settings
from simulators.ward import SHOW_SEED, WardPatient, demo_ward
from vigil.domain.errors import ServerUnreachable
from vigil.domain.times import HOUR, MINUTE, SECOND, from_iso, to_iso
from vigil.runtime import log
from vigil.runtime.clock import Clock, SystemClock
from vigil.runtime.keys import load_keys
from vigil.runtime.tls import trusting

logger = logging.getLogger(__name__)

#: A nurse's entry of consciousness and oxygen is repeated after this (NEWS2 takes it as stale after 12 h).
ENTRY_EVERY_US = 6 * HOUR
#: Every n-th simulated patient has no entry, so that partial scores are seen too.
WITHOUT_ENTRY = 4
#: How long the core may take to be ready.
START_S = 120.0
DEMO_WARD = "Demo ward"
#: Live packs are made this often.
ROUND_S = 1.0


def simulate(
    data_dir: DataDir = None,
    config: ConfigFile = None,
    patients: Annotated[int, typer.Option(min=1, max=1000, help="How many people.")] = 12,
    speed: Annotated[
        float, typer.Option(min=0.1, max=3600, help="How fast their bodies live; time stamps stay real.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = SHOW_SEED,
    via: Annotated[
        str, typer.Option(help="mqtt = each device on its own; gateway = through one gateway with a spool.")
    ] = "mqtt",
    seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Address of the core [the one that runs in the data directory].")
    ] = None,
) -> None:
    """Simulated patients, sent to a running Vigil until stopped."""
    chosen = settings(config, data_dir)
    log.setup("ward", chosen.log_level)
    running = Running.require(chosen.data_dir) if url is None else Running.elsewhere(url, chosen)
    access = token(load_keys(chosen.data_dir), Role.ADMIN, "simulated ward")
    clock = SystemClock()
    with trusting(chosen.broker.trust):
        asyncio.run(
            until_stopped(_run(running, access, demo_ward(patients, seed), speed, via, seconds, chosen.data_dir, clock))
        )


async def _run(
    running: Running,
    access: str,
    ward: tuple[WardPatient, ...],
    speed: float,
    via: str,
    seconds: float | None,
    data_dir: Path,
    clock: Clock,
) -> None:
    client = Client(running.http_url, access)
    devices = [(bed.device_id, "simulated wearable") for bed in ward]
    try:
        await client.wait_ready(START_S)
        await _ensure_policy(client)
        for bed in ward:
            await client.ensure_patient(_patient(bed, clock))
        async with open_fleet(via, "ward", running, client, devices, data_dir, clock) as fleet:
            worn_since = to_iso(clock.now_us() - MINUTE)  # before the first value, which is of the current full second
            for bed in ward:
                await client.bind(bed.device_id, patient_id(bed), worn_since)
            entries = asyncio.create_task(_enter(client, ward, clock))
            try:
                await _live(ward, fleet, speed, seconds, clock)
            finally:
                entries.cancel()
    finally:
        await client.close()


async def _live(
    ward: tuple[WardPatient, ...], fleet: AnyFleet, speed: float, seconds: float | None, clock: Clock
) -> None:
    start = clock.now_us() // SECOND * SECOND
    people = [bed.virtual(start, speed) for bed in ward]
    logger.info("%d simulated patients are live", len(people))
    end = None if seconds is None else start + round(seconds * SECOND)
    following = clock.monotonic()
    while end is None or clock.now_us() < end:
        for person in people:
            for pack in person.advance(clock.now_us()):
                await fleet.send(pack)
        following += ROUND_S
        await asyncio.sleep(max(0.0, following - clock.monotonic()))
    await fleet.drain(60)


def patient_id(bed: WardPatient) -> str:
    return f"demo-{bed.device_id.removeprefix('w-')}"


def _patient(bed: WardPatient, clock: Clock) -> dict[str, Any]:
    person = demo_patient(patient_id(bed), bed.family, bed.given, bed.age, bed.sex, DEMO_WARD, clock)
    return {**person, "spo2_scale2_by": "Dr Demo (simulated prescription)" if bed.scale2 else ""}


async def _ensure_policy(client: Client) -> None:
    """Quick delays for the demo ward, unless somebody has given it a policy already."""
    path = f"/api/v1/policies/wards/{quote(DEMO_WARD)}"
    if (await client.call("GET", path))["document"] is None:
        text = resources.files("cli").joinpath("demo_policy.toml").read_text("utf-8")
        await client.call("PUT", path, {"toml": text})


async def _enter(client: Client, ward: tuple[WardPatient, ...], clock: Clock) -> None:
    """A simulated nurse enters consciousness and oxygen, which no sensor gives; on every restart only what is missing."""
    values = [{"vital": "consciousness", "value": "A"}, {"vital": "o2_flow", "value": 0}]
    while True:
        try:
            for number, bed in enumerate(ward):
                if number % WITHOUT_ENTRY != WITHOUT_ENTRY - 1 and await _due(client, patient_id(bed), clock):
                    await client.call("POST", f"/api/v1/patients/{patient_id(bed)}/observations", {"values": values})
        except ServerUnreachable as error:  # the core is being started again: the next round enters what is missing
            logger.info("nothing entered this time: %s", error)
        await asyncio.sleep(60)


async def _due(client: Client, patient: str, clock: Clock) -> bool:
    card = await client.call("GET", f"/api/v1/patients/{patient}")
    entered = card["vitals"].get("consciousness")
    return entered is None or clock.now_us() - from_iso(entered["measured_at"]) > ENTRY_EVERY_US


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)
