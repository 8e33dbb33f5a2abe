"""``vigil backup``: everything that an installation is, as of one moment, in one file that is checked when it is written."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import duckdb
import httpx
import typer

from api.auth import Role
from cli.demo_token import token
from cli.installation import ConfigFile, DataDir, Running, settings
from cli.records import NOT_COPIED, require_embedded
from vigil import __version__
from vigil.domain.errors import ConfigError, ServerUnreachable, StoreError
from vigil.domain.times import from_iso, to_iso
from vigil.runtime.clock import SystemClock
from vigil.runtime.keys import FILE as KEYS
from vigil.runtime.keys import load_keys
from vigil.store import archive, backup
from vigil.store.archive import AuditHead, Manifest
from vigil.store.duck.closing import Days
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.copy import TableSum, copy, file_sums
from vigil.store.duck.history import FOLDER
from vigil.store.records.audit import verify_file

SETTINGS = "vigil.toml"
#: A copy of 100 M readings takes minutes (ours).
MOST_S = 3600.0


def backup_command(
    out: Annotated[Path, typer.Option("--out", help="The file to write, mode 0600; it must not exist.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave out keys.json: to restore, the old one is needed.")
    ] = False,
) -> None:
    """Back up an installation that runs or does not. The file holds the key of the patients' names: guard it like them."""
    chosen = settings(config, data_dir)
    require_embedded(chosen, NOT_COPIED)
    if out.exists():
        raise ConfigError(f"{out} exists: choose another name")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent} is no folder")
    load_keys(chosen.data_dir)
    running = Running.find(chosen.data_dir) is not None
    with a_copy(chosen.data_dir) as copied:
        try:
            if without_keys:
                (copied.folder / KEYS).unlink()
            if config is not None:
                shutil.copyfile(config, copied.folder / SETTINGS)
            manifest = _manifest(copied, running)
            archive.write(out, manifest, {part.name: copied.folder / part.name for part in manifest.parts})
        except OSError as error:
            raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    _read_back(out, manifest)
    for line in (f"{out}: {out.stat().st_size / 2**20:.1f} MiB, written and read back", *described(manifest)):
        typer.echo(line)
    if not without_keys:
        typer.echo("It holds the keys of this installation, and with them the patients' names: guard it.")


@contextmanager
def a_copy(data_dir: Path) -> Iterator[backup.Copied]:
    """Of an installation that runs or does not, as of one moment; gone when the block ends. ``vigil export`` reads it too."""
    with _alone(data_dir):
        running = Running.find(data_dir)
        copied = _from_file(data_dir) if running is None else _from_core(data_dir, running)
        try:
            yield copied
        finally:
            shutil.rmtree(copied.folder, ignore_errors=True)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """The copy lies in a folder of the data directory: two backups at once would take it from one another."""
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConfigError("another backup of this installation is being made: wait for it") from error
    finally:
        os.close(folder)


def _from_file(data_dir: Path) -> backup.Copied:
    path = data_dir / backup.READINGS
    if not path.exists():
        raise ConfigError(f"{data_dir} holds no readings: nothing to back up")
    file = DuckFile(path)

    def copy_readings(to: Path, cut: AbstractContextManager[None]) -> Mapping[str, TableSum]:
        Days(file, data_dir / FOLDER).copy(to.parent / FOLDER)
        return copy(file, to, cut)

    try:
        return backup.copy_installation(data_dir, copy_readings, SystemClock())
    finally:
        file.close()


def _from_core(data_dir: Path, running: Running) -> backup.Copied:
    """The core makes the copy: nobody else can open the readings while it runs."""
    headers = {"Authorization": f"Bearer {token(load_keys(data_dir), Role.ADMIN, 'vigil backup')}"}
    try:
        with httpx.Client(base_url=running.http_url, headers=headers, timeout=MOST_S, trust_env=False) as client:
            answer = client.post("/api/v1/backups")
            made: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ServerUnreachable(f"Vigil does not answer at {running.http_url}: {type(error).__name__}") from error
    if answer.is_error:
        raise ServerUnreachable(f"the copy was not made: {answer.status_code} {made.get('detail')}")
    sums = {name: TableSum(one["rows"], one["digest"]) for name, one in made["readings"].items()}
    return backup.Copied(data_dir / made["folder"], from_iso(made["cut_at"]), made["pause_s"], sums)


def _manifest(copied: backup.Copied, running: bool) -> Manifest:
    """Raises ``StoreError`` when the copy does not hold what the readings held."""
    if file_sums(copied.folder / backup.READINGS) != copied.readings:
        raise StoreError("the copy of the readings is not what they were: nothing was backed up")
    return Manifest(
        format=archive.FORMAT,
        vigil=__version__,
        duckdb=duckdb.__version__,
        cut_at=to_iso(copied.cut_at),
        running=running,
        pause_s=round(copied.pause_s, 6),
        parts=[archive.part_of(name, copied.folder / name) for name in backup.parts_of(copied.folder)],
        readings=dict(copied.readings),
        records=backup.record_sums(copied.folder / backup.RECORDS),
        audit=audit_head(copied.folder),
    )


def audit_head(folder: Path) -> AuditHead:
    verdict = verify_file(folder / backup.RECORDS)
    return AuditHead(verdict.count, verdict.head, bool(verdict.faults))


def _read_back(out: Path, manifest: Manifest) -> None:
    if archive.read(out) != manifest:
        raise StoreError(f"{out} does not read as it was written: the disk cannot be trusted")


def described(manifest: Manifest) -> list[str]:
    """What is in it, in lines for an operator."""
    state = "BROKEN already when it was backed up" if manifest.audit.broken else "unbroken"
    how = f"while it ran; no reading could be committed for {manifest.pause_s * 1e3:.1f} ms" if manifest.running else ""
    return [
        f"as of {manifest.cut_at}{', ' + how if how else ''}",
        _counted(manifest.readings, _READINGS),
        _counted(manifest.records, _RECORDS),
        f"audit log: {manifest.audit.entries} entries, {state}, head {manifest.audit.head}",
    ]


def _counted(tables: Mapping[str, TableSum], words: Mapping[str, str]) -> str:
    return ", ".join(f"{tables[name].rows} {said}" for name, said in words.items() if name in tables)


_READINGS = {
    "readings": "readings of open days",
    "parts": "files of closed ones",
    "packs": "packs",
    "dead_letters": "dead letters",
    "scores": "scores",
    "predictions": "predictions",
}
_RECORDS = {
    "patients": "patients",
    "devices": "devices",
    "alerts": "alerts",
    "alert_transitions": "transitions",
    "deliveries": "deliveries",
}


def register(app: typer.Typer) -> None:
    app.command("backup")(backup_command)
