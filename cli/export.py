"""``vigil export``: a cohort that names nobody, or a patient's own copy. Both from a copy of the databases, of an installation
that runs or does not."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.backup import a_copy
from cli.installation import ConfigFile, DataDir, settings
from cli.records import records_url, require_embedded
from vigil.domain.audit import LONGEST_REASON, MANY, Entry, Step
from vigil.domain.deidentify import LEAST_KEY_BYTES, LEVELS, Pseudonyms
from vigil.domain.erasure import written
from vigil.domain.errors import ConfigError
from vigil.domain.times import from_iso
from vigil.runtime.clock import SystemClock
from vigil.runtime.keys import load_keys
from vigil.store import RecordStore, backup, export_person
from vigil.store.export_cohort import MANIFEST, Format, Wanted, Written, write
from vigil.store.records import SqlRecordStore

#: In the data directory: the key of each export, under the beginning of its manifest's SHA-256.
KEYS = "exports"
#: Who acts in the audit log when the data directory is all the right that is needed.
OPERATOR = "operator"
NOT_EXPORTED = "vigil export cannot copy them at the moment of the readings"

commands = typer.Typer(help="Give data out: a cohort that names nobody, or a patient's own copy.", no_args_is_help=True)

Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log.")]


@commands.command("cohort")
def cohort_command(
    to: Annotated[Path, typer.Option("--to", help="The folder to make; it must not exist.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
    ward: Annotated[str | None, typer.Option("--ward", help="Only this ward's patients.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Only patients enrolled at or after this time, with its zone.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to-time", help="Only patients enrolled before this time.")] = None,
    form: Annotated[Format, typer.Option("--format", help="Of the files.")] = Format.PARQUET,
    k: Annotated[int, typer.Option("--k", help="Everybody shares what is told with at least so many.")] = 5,
    demo: Annotated[bool, typer.Option("--demo", help="The invented people instead of the real ones.")] = False,
    throw_key: Annotated[
        bool, typer.Option("--throw-key", help="Keep no key: nobody can lead a pseudonym back to a patient.")
    ] = False,
    reason: Why = "",
) -> None:
    """Export completed stays without names, dates, devices and wards, told so coarsely that everybody is one of k."""
    chosen = settings(config, data_dir)
    require_embedded(chosen, NOT_EXPORTED)
    if to.exists():
        raise ConfigError(f"{to} exists: name a new folder")
    wanted = Wanted(k, ward, _moment(since, "--from"), _moment(until, "--to-time"), demo)
    key = secrets.token_bytes(LEAST_KEY_BYTES)
    with _audited(chosen.data_dir, "vigil export cohort", "", reason), _draft(to) as draft:
        with a_copy(chosen.data_dir) as copied, records_in(copied.folder) as records:
            made = write(copied.folder / backup.READINGS, records, wanted, Pseudonyms(key), draft, form)
        if not throw_key:
            _keep(chosen.data_dir, draft, key)
        draft.rename(to)
    for line in _described(to, made, k):
        typer.echo(line)
    typer.echo(
        "The key is thrown away." if throw_key else f"The key is in {chosen.data_dir / KEYS}: not for the reader."
    )


@commands.command("patient")
def patient_command(
    patient_id: Annotated[str, typer.Argument(help="Whose copy, by the opaque id.")],
    to: Annotated[Path, typer.Option("--to", help="The file to write, .ndjson or .csv; it must not exist.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
    reason: Why = "",
) -> None:
    """Write what a person gave and what was measured on the person, for the person; not what was inferred."""
    chosen = settings(config, data_dir)
    writers = {".ndjson": export_person.write_ndjson, ".csv": export_person.write_csv}
    require_embedded(chosen, NOT_EXPORTED)
    if to.suffix not in writers:
        raise ConfigError("--to: the name must end in .ndjson or .csv")
    if to.exists():
        raise ConfigError(f"{to} exists: choose another name")
    with _audited(chosen.data_dir, "vigil export patient", patient_id, reason), _draft(to) as draft:
        with a_copy(chosen.data_dir) as copied, records_in(copied.folder) as records:
            count = writers[to.suffix](copied.folder / backup.READINGS, records, patient_id, draft / to.name)
        (draft / to.name).chmod(0o600)
        (draft / to.name).rename(to)
    typer.echo(f"{to}: {count} values. It names the person: guard it.")


@commands.command("erasures")
def erasures_command(
    to: Annotated[Path, typer.Option("--to", help="The list; it is replaced. Keep it where the backups are.")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Write who was erased, by opaque ids, for vigil restore --erased: a backup from before still has the names."""
    chosen = settings(config, data_dir)
    key = load_keys(chosen.data_dir).record_key.encode()
    with closing(SqlRecordStore(records_url(chosen), key)) as records:
        found = records.erasures.erased()
    draft = to.with_name(f".{to.name}.part")
    try:
        draft.write_text(written(found), "utf-8")
        draft.replace(to)
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}") from error
    typer.echo(f"{to}: {len(found)} erased")


def _moment(text: str | None, option: str) -> int | None:
    try:
        return None if text is None else from_iso(text)
    except ValueError as error:
        raise ConfigError(f"{option}: not a time with a zone, as 2026-01-31T00:00:00Z") from error


@contextmanager
def _audited(data_dir: Path, what: str, patient_id: str, reason: str) -> Iterator[None]:
    """An entry before anything is read, and one after: what fails has the first only."""
    if len(reason) > LONGEST_REASON:
        raise ConfigError(f"--reason: at most {LONGEST_REASON} letters")
    clock, number = SystemClock(), secrets.token_hex(8)
    objects = {"patient_id": patient_id} if patient_id else {}  # the store tells whether it is one of ours
    about = "" if patient_id else MANY
    for step, status in ((Step.ASKED, 0), (Step.ANSWERED, 200)):
        entry = Entry(clock.now_us(), step, number, OPERATOR, "", "", "", what, objects, about, reason, status)
        with records_in(data_dir) as records:
            records.append_audit([entry])
        if step is Step.ASKED:
            yield


@contextmanager
def records_in(data_dir: Path) -> Iterator[RecordStore]:
    key = load_keys(data_dir).record_key.encode()
    with closing(SqlRecordStore(f"sqlite:///{data_dir / backup.RECORDS}", key)) as records:
        yield records


@contextmanager
def _draft(to: Path) -> Iterator[Path]:
    """A folder beside ``to`` for what is not whole yet; gone when the block ends, unless it was moved."""
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{to.name}.exporting-", dir=to.absolute().parent))
    except OSError as error:
        raise ConfigError(f"{to} cannot be made: {error.strerror}") from error
    try:
        yield draft
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _keep(data_dir: Path, export: Path, key: bytes) -> None:
    """Where the export is not: whoever has both has the persons."""
    digest = hashlib.sha256((export / MANIFEST).read_bytes()).hexdigest()
    folder = data_dir / KEYS
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / f"{digest[:16]}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"manifest_sha256": digest, "key": key.hex()}, file)


def _described(to: Path, made: Written, k: int) -> Iterator[str]:
    cohort = made.cohort
    yield f"{to}: {len(cohort.told)} of {cohort.asked} people, k = {cohort.k} (at least {k}), {cohort.suppressed} left out"
    yield f"told at level {cohort.level + 1} of {len(LEVELS)}; " + ", ".join(
        f"{rows} {table}" for table, rows in made.rows.items()
    )
    if made.left_out:
        yield "not asked about: " + ", ".join(f"{count} {why}" for why, count in made.left_out.items())


def register(app: typer.Typer) -> None:
    app.add_typer(commands, name="export")
