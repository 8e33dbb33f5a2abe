"""``vigil restore``: a new data directory from a backup, which is there whole and checked or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from cli.backup import SETTINGS, audit_head, described
from cli.export import OPERATOR, records_in
from cli.installation import ConfigFile, DataDir, settings
from vigil.domain.audit import Entry, Step
from vigil.domain.erasure import Erasure, read
from vigil.domain.errors import ConfigError, NotFound, StoreError
from vigil.runtime.clock import SystemClock
from vigil.runtime.files import sync
from vigil.runtime.keys import FILE as KEYS
from vigil.runtime.keys import load_keys
from vigil.store import archive, backup
from vigil.store.archive import Manifest
from vigil.store.duck.copy import TableSum, file_sums
from vigil.store.duck.store import DuckReadingStore
from vigil.store.records.store import SqlRecordStore


def restore_command(
    file: Annotated[Path, typer.Argument(help="What vigil backup wrote.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The old keys.json, for a backup made --without-keys.")
    ] = None,
    erased: Annotated[
        Path | None,
        typer.Option("--erased", help="Who was erased since, as vigil export erasures wrote it: erased in it again."),
    ] = None,
) -> None:
    """Make a new data directory from a backup. Every byte and every count is checked before anything is there."""
    target = settings(config, data_dir).data_dir.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} is not empty: name a new folder with --data-dir")
    manifest = restore(file, target, keys, _listed(erased))
    for line in (f"{target}: restored from a backup by vigil {manifest.vigil}", *described(manifest)):
        typer.echo(line)
    if manifest.has(SETTINGS):
        typer.echo(f"Its settings are in {target / SETTINGS}: give them by --config.")
    typer.echo("What was acknowledged after that moment is not in it.")
    if erased is None:
        typer.echo(
            "Whoever was erased after that moment has a name in it again: restore with --erased LIST if there is one."
        )
    else:
        typer.echo(f"Whoever stands in {erased} is erased in it.")


def _listed(path: Path | None) -> list[Erasure]:
    try:
        return [] if path is None else read(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({type(error).__name__})") from error


def restore(file: Path, target: Path, keys: Path | None, erased: Sequence[Erasure] = ()) -> Manifest:
    """``target`` must be absent or an empty folder; it is complete when this returns and as it was when this raises."""
    draft: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.restoring-", dir=target.parent))
        manifest = archive.read(file, draft)
        _add_keys(manifest, draft, keys)
        _check(manifest, draft)
        _erase(draft, erased)
        draft.rename(target)  # over an empty folder only
        sync(target.parent)
        return manifest
    except OSError as error:
        raise ConfigError(f"{target} cannot be made: {error.strerror} (a mount point? name a folder in it)") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _add_keys(manifest: Manifest, folder: Path, keys: Path | None) -> None:
    if manifest.has(KEYS) == (keys is not None):
        words = "holds its keys: leave out --keys" if keys else "was made without keys: give the old ones by --keys"
        raise ConfigError(f"this backup {words}")
    if keys is not None:
        if not keys.is_file():
            raise ConfigError(f"{keys} is no file")
        shutil.copyfile(keys, folder / KEYS)
        (folder / KEYS).chmod(0o600)


def _check(manifest: Manifest, folder: Path) -> None:
    """Raises ``StoreError`` that names the part that is not what was backed up, or that this Vigil cannot open."""
    for name in (backup.READINGS, backup.RECORDS):
        if not manifest.has(name):
            raise StoreError(f"this is no backup of Vigil: it has no {name}")
    _same(backup.RECORDS, manifest.records, backup.record_sums(folder / backup.RECORDS))
    if audit_head(folder) != manifest.audit:
        raise StoreError("the audit log is not what was backed up")
    found = file_sums(folder / backup.READINGS)
    hashed = manifest.duckdb == duckdb.__version__  # another one may hash rows in another way; the bytes were checked
    _same(backup.READINGS, _told(manifest.readings, hashed), _told(found, hashed))
    _open(folder)


def _told(tables: dict[str, TableSum], hashed: bool) -> dict[str, TableSum]:
    return tables if hashed else {name: TableSum(one.rows, "") for name, one in tables.items()}


def _same(part: str, said: dict[str, TableSum], found: dict[str, TableSum]) -> None:
    for table in sorted(said.keys() | found.keys()):
        if said.get(table) != found.get(table):
            raise StoreError(f"{part}: the table {table} is not what was backed up")


def _open(folder: Path) -> None:
    """As the core will: with the key, and with tables of this version."""
    readings = DuckReadingStore(folder / backup.READINGS, SystemClock())
    readings.close()
    if readings.missing:
        raise StoreError(f"{readings.missing[0]} is not in the backup: the readings of a day are missing")
    key = load_keys(folder).record_key.encode()
    records = SqlRecordStore(f"sqlite:///{folder / backup.RECORDS}", key)
    records.close()
    for path in (folder / backup.READINGS, folder / backup.RECORDS):
        sync(path)


def _erase(folder: Path, erased: Sequence[Erasure]) -> None:
    """Whoever is not in the backup is passed over; whoever was under watch then, is not any more."""
    if not erased:
        return
    clock = SystemClock()
    with records_in(folder) as records:
        for one in erased:
            try:
                records.discharge(one.patient_id, one.at)
                records.erasures.erase(one.patient_id, one.by, one.at)
            except NotFound:
                continue
            about = {"patient_id": one.patient_id}
            entry = Entry(
                clock.now_us(), Step.ANSWERED, "restore", OPERATOR, "", "", "", "vigil restore", about, status=200
            )
            records.append_audit([entry])


def register(app: typer.Typer) -> None:
    app.command("restore")(restore_command)
