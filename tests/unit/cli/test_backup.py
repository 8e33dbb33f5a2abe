"""``vigil backup`` and ``vigil restore``: the same tables come back, and a damaged archive leaves nothing behind."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tarfile
import threading
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import backup as backup_command
from cli import restore as restore_command
from cli.installation import RUN_FILE, Running
from cli.restore import restore
from tests.conformance.stores.given import readings as given_readings
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.audit import Entry, Step
from vigil.domain.errors import StoreError
from vigil.domain.lifecycle import Began, Finding, Stamp, apply
from vigil.domain.people import Device, Patient
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import DAY
from vigil.runtime.broker import Accounts
from vigil.runtime.clock import ManualClock
from vigil.runtime.keys import load_keys
from vigil.store import STORED, Commit, DeadLetter, PackRow, archive, backup
from vigil.store.archive import MANIFEST, SEAL, Manifest
from vigil.store.duck import DuckReadingStore
from vigil.store.duck.connection import DuckFile
from vigil.store.duck.copy import TableSum, copy, file_sums, sums
from vigil.store.records import SqlRecordStore

NOW = 1_767_225_600_000_000
SIZE = 500


def commit(store: DuckReadingStore, first_seq: int, size: int, streams: tuple[Stream, ...] = ()) -> None:
    seqs = np.arange(first_seq, first_seq + size, dtype=np.uint32)
    at = NOW + seqs.astype(np.int64) * 1_000_000
    batch = ReadingBatch(
        ordinal=np.zeros(size, np.uint64),
        stream=np.zeros(size, np.uint32),
        measured_at=at,
        device_time=at,
        received_at=at + 5,
        value=np.where(seqs % 10 == 0, np.nan, 60.0 + seqs % 40),
        quality=np.zeros(size, np.uint16),
        epoch=np.ones(size, np.uint32),
        seq=seqs,
    )
    packs = [PackRow("w-1", 1, int(seq), STORED, int(seq)) for seq in seqs]
    letter = DeadLetter(NOW, "rpm/v1/home/d/w-1/tel/vitals", "w-1", "malformed", "", b"\xff\x00{")
    store.commit(Commit(batch, streams, packs, [letter]))


def of_earlier_days() -> ReadingBatch:
    """A reading on each of the three days before."""
    rows = [(0, NOW - day * DAY, 50.0 + day, 0) for day in (3, 2, 1)]
    return given_readings(rows)


def records_of(folder: Path) -> SqlRecordStore:
    return SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", load_keys(folder).record_key.encode())


def patient(patient_id: str) -> Patient:
    return Patient(patient_id, "Marker-Family", "Given", date(1948, 3, 12), "female", "north")


def fill(folder: Path) -> None:
    load_keys(folder, create=True)
    readings = DuckReadingStore(folder / "readings.duckdb", ManualClock())
    commit(readings, 0, SIZE, (Stream(0, "w-1", 0, ""),))
    readings.commit(Commit(of_earlier_days(), (), (), ()))
    readings.close_days(NOW - NOW % DAY)
    readings.close()
    records = records_of(folder)
    records.add_patient(patient("p-1"))
    records.put_device(Device("w-1", "patch"))
    records.bind("w-1", "p-1", NOW)
    evidence = Evidence("SpO2 84 %", ({"vital": "spo2", "value": 84.0, "measured_at": NOW},))
    finding = Finding("p-1", "limit.spo2.low", Kind.PHYSIOLOGICAL, Priority.HIGH, "SpO2 low", evidence, NOW, "w-1")
    line = apply(None, Began(Stamp("ordinal:1", NOW), finding), DEFAULT_POLICY)
    assert line is not None
    records.record(line)
    records.append_audit([Entry(NOW, Step.ANSWERED, f"r-{n}", "Li Na", "nurse", "::1", "GET", "/p") for n in range(9)])
    records.close()
    Accounts(folder).issue_device("w-1")
    (folder / "analytics.npz").write_bytes(b"snapshot")
    (folder / "models" / "mine").mkdir(parents=True)
    (folder / "models" / "states.json").write_text("{}")
    (folder / "models" / "mine" / "card.json").write_text("{}")
    (folder / "models" / ".hidden").write_text("of an editor")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation") / "old"
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def saved(old: Path) -> Path:
    out = old.parent / "saved.tar"
    done = run("backup", "--data-dir", str(old), "--out", str(out))
    assert done.exit_code == 0, done.output
    return out


def run(*arguments: str) -> Any:
    app = typer.Typer()
    backup_command.register(app)
    restore_command.register(app)
    return CliRunner().invoke(app, arguments)


def nothing_left(target: Path) -> bool:
    return not target.exists() and not list(target.parent.glob(f".{target.name}*"))


def test_what_was_saved_comes_back_whole(old: Path, saved: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    done = run("restore", str(saved), "--data-dir", str(new))
    assert done.exit_code == 0, done.output
    assert (
        f"{SIZE} readings of open days, 3 files of closed ones, {SIZE} packs, 1 dead letters, 0 scores" in done.output
    )
    assert "1 patients, 1 devices, 1 alerts, 1 transitions" in done.output
    assert "audit log: 9 entries, unbroken" in done.output
    assert "Marker-Family" not in done.output
    for name in (
        "keys.json",
        "broker/passwd",
        "broker/acl",
        "analytics.npz",
        "models/states.json",
        "models/mine/card.json",
    ):
        assert (new / name).read_bytes() == (old / name).read_bytes(), name
    assert not (old / "backup").exists()
    assert {path.name for path in new.iterdir()} == {
        "keys.json", "broker", "analytics.npz", "models", "readings.duckdb", "records.sqlite3", "history",
    }  # fmt: skip
    assert not (new / "models" / ".hidden").exists()
    assert file_sums(new / "readings.duckdb") == file_sums(old / "readings.duckdb")
    assert backup.record_sums(new / "records.sqlite3") == backup.record_sums(old / "records.sqlite3")
    readings, records = DuckReadingStore(new / "readings.duckdb", ManualClock()), records_of(new)
    assert [(device, epoch, seqs.tolist()) for device, epoch, seqs in readings.packs()] == [("w-1", 1, [*range(SIZE)])]
    assert (readings.head(), readings.dead_letters(1, None, None, None)[0].payload) == (SIZE + 3, b"\xff\x00{")
    assert readings.range([0], 0, NOW - DAY + 1, 9).value.tolist() == [53.0, 52.0, 51.0]
    assert records.patients() == [patient("p-1")]
    assert [alert.rule for alert in records.alerts()] == ["limit.spo2.low"]
    readings.close()
    records.close()


def test_only_the_owner_may_read_it_and_any_tar_program_can(saved: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    with tarfile.open(saved) as tar:
        assert tar.getnames()[:2] == [MANIFEST, SEAL]
        assert {"readings.duckdb", "records.sqlite3", "keys.json"} <= set(tar.getnames())
    restore(saved, tmp_path / "new", None)
    for name in ("keys.json", "readings.duckdb", "records.sqlite3", "broker/passwd"):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_nothing_is_overwritten(old: Path, saved: Path, tmp_path: Path) -> None:
    again = run("backup", "--data-dir", str(old), "--out", str(saved))
    assert "exists" in str(again.exception)
    (tmp_path / "note").write_text("mine")
    full = run("restore", str(saved), "--data-dir", str(tmp_path))
    assert "not empty" in str(full.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["note"]
    (tmp_path / "empty").mkdir()
    assert run("restore", str(saved), "--data-dir", str(tmp_path / "empty")).exit_code == 0


def test_an_installation_in_use_is_not_copied_behind_its_back(old: Path, tmp_path: Path) -> None:
    file = DuckFile(old / "readings.duckdb")
    try:
        done = run("backup", "--data-dir", str(old), "--out", str(tmp_path / "a.tar"))
    finally:
        file.close()
    assert "in use by another running Vigil" in str(done.exception)
    Running("http://127.0.0.1:9", "127.0.0.1", 9, "embedded", "home", 1).save(tmp_path)
    shutil.copy(old / "keys.json", tmp_path / "keys.json")
    done = run("backup", "--data-dir", str(tmp_path), "--out", str(tmp_path / "a.tar"))
    assert "does not answer" in str(done.exception)
    assert {path.name for path in tmp_path.iterdir()} == {RUN_FILE, "keys.json"}
    assert "no Vigil installation" in str(run("backup", "--out", "a.tar", "--data-dir", str(tmp_path / "b")).exception)


def test_one_backup_at_a_time(old: Path, tmp_path: Path) -> None:
    held = os.open(old, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run("backup", "--data-dir", str(old), "--out", str(tmp_path / "a.tar"))
    finally:
        os.close(held)
    assert "another backup" in str(done.exception)


def test_a_copy_that_is_not_its_source_is_not_packed(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loses_a_row(file: DuckFile, to: Path, cut: AbstractContextManager[None]) -> dict[str, TableSum]:
        found = copy(file, to, cut)
        with closing(duckdb.connect(str(to))) as con:
            con.execute("DELETE FROM packs WHERE seq = 7")
        return found

    monkeypatch.setattr(backup_command, "copy", loses_a_row)
    done = run("backup", "--data-dir", str(old), "--out", str(tmp_path / "a.tar"))
    assert "not what they were" in str(done.exception)
    assert not list(tmp_path.iterdir())
    assert not (old / "backup").exists()


def test_a_file_that_cannot_be_finished_is_not_there(saved: Path, tmp_path: Path) -> None:
    manifest = archive.read(saved)
    with pytest.raises(FileNotFoundError):
        archive.write(tmp_path / "a.tar", manifest, {part.name: tmp_path / part.name for part in manifest.parts})
    assert not list(tmp_path.iterdir())


def test_without_its_keys_it_asks_for_the_old_ones(old: Path, tmp_path: Path) -> None:
    out, new = tmp_path / "a.tar", tmp_path / "new"
    assert run("backup", "--data-dir", str(old), "--out", str(out), "--without-keys").exit_code == 0
    assert json.loads((old / "keys.json").read_text())["record_key"].encode() not in out.read_bytes()
    assert "--keys" in str(run("restore", str(out), "--data-dir", str(new)).exception)
    load_keys(tmp_path / "other", create=True)
    other = run("restore", str(out), "--data-dir", str(new), "--keys", str(tmp_path / "other" / "keys.json"))
    assert "another key" in str(other.exception)
    assert nothing_left(new)
    done = run("restore", str(out), "--data-dir", str(new), "--keys", str(old / "keys.json"))
    assert done.exit_code == 0, done.output
    assert load_keys(new) == load_keys(old)


def test_the_settings_come_along_when_they_are_given(old: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("tenant = 'ward-7'\n")
    out, new = tmp_path / "a.tar", tmp_path / "new"
    arguments = ("--data-dir", str(old), "--config", str(tmp_path / "mine.toml"))
    assert run("backup", "--out", str(out), *arguments).exit_code == 0
    done = run("restore", str(out), "--data-dir", str(new))
    assert str(new / "vigil.toml") in done.output
    assert (new / "vigil.toml").read_text() == "tenant = 'ward-7'\n"


def members(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


def changed(saved: Path, place: int, to: Path) -> Path:
    raw = bytearray(saved.read_bytes())
    raw[place] ^= 0x01
    to.write_bytes(raw)
    return to


def test_a_byte_changed_in_any_kind_of_place_is_found_and_named(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "new"
    for member in members(saved):
        end = member.offset_data + member.size
        places = {"name": member.offset, "size": member.offset + 130, "unused": member.offset + 505}
        places |= {"first": member.offset_data, "middle": member.offset_data + member.size // 2, "last": end - 1}
        if member.size % tarfile.BLOCKSIZE:
            places["padding"] = end
        for kind, place in places.items():
            bad = changed(saved, place, tmp_path / "bad.tar")
            inside = member.offset_data <= place < end
            named = MANIFEST if member.name == SEAL and inside else member.name
            with pytest.raises(StoreError) as caught:
                restore(bad, target, None)
            assert named in str(caught.value), (member.name, kind)
            assert nothing_left(target), (member.name, kind)
    with pytest.raises(StoreError, match="the end"):
        restore(changed(saved, saved.stat().st_size - 1, tmp_path / "bad.tar"), target, None)


@given(place=st.integers(0, 10**9), mask=st.integers(1, 255))
def test_any_changed_byte_is_found(saved: Path, place: int, mask: int) -> None:
    raw = bytearray(saved.read_bytes())
    raw[place % len(raw)] ^= mask
    bad = saved.with_name("any.tar")
    bad.write_bytes(raw)
    with pytest.raises(StoreError):
        archive.read(bad)


def test_a_file_cut_short_or_made_longer_is_refused(saved: Path, tmp_path: Path) -> None:
    raw, bad = saved.read_bytes(), tmp_path / "bad.tar"
    cuts = {0, 1, len(raw) - 1, *(one.offset for one in members(saved)), *(one.offset_data for one in members(saved))}
    for content in (*(raw[:cut] for cut in cuts), raw + b"\0", raw + raw, b"no tar at all" * 100):
        bad.write_bytes(content)
        with pytest.raises(StoreError):
            restore(bad, tmp_path / "new", None)
        assert nothing_left(tmp_path / "new")
    with pytest.raises(StoreError, match="No such file"):
        restore(tmp_path / "none.tar", tmp_path / "new", None)


def remade(saved: Path, to: Path, **change: Any) -> Path:
    """An archive that is whole, and whose manifest says something else."""
    folder = to.with_suffix(".parts")
    folder.mkdir()
    manifest = archive.read(saved, folder)
    archive.write(
        to, msgspec.structs.replace(manifest, **change), {one.name: folder / one.name for one in manifest.parts}
    )
    return to


def test_a_count_or_hash_that_is_not_as_said_names_the_table(saved: Path, tmp_path: Path) -> None:
    said = archive.read(saved)
    more = replace(said.readings["packs"], rows=SIZE + 1)
    other = replace(said.records["alerts"], digest="0" * 64)
    wrong: dict[str, dict[str, Any]] = {
        "the table packs": {"readings": {**said.readings, "packs": more}},
        "the table alerts": {"records": {**said.records, "alerts": other}},
        "the table new": {"readings": {**said.readings, "new": TableSum(0, "")}},
        "the audit log": {"audit": msgspec.structs.replace(said.audit, entries=8)},
        "another format": {"format": 2},
    }
    for number, (words, change) in enumerate(wrong.items()):
        bad = remade(saved, tmp_path / f"{number}.tar", **change)
        with pytest.raises(StoreError, match=words):
            restore(bad, tmp_path / "new", None)
        assert nothing_left(tmp_path / "new")
    late = {name: replace(one, digest="of another DuckDB") for name, one in said.readings.items()}
    restore(remade(saved, tmp_path / "late.tar", duckdb="99.0", readings=late), tmp_path / "new", None)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", ".ssh", "a//b", "", "a\nb"])
def test_a_part_never_leaves_its_folder(saved: Path, tmp_path: Path, name: str) -> None:
    said = archive.read(saved)
    evil = [msgspec.structs.replace(said.parts[0], name=name), *said.parts[1:]]
    folder = tmp_path / "parts"
    folder.mkdir()
    archive.read(saved, folder)
    bad = tmp_path / "bad.tar"
    files = {one.name: folder / one.name for one in said.parts} | {name: folder / said.parts[0].name}
    archive.write(bad, msgspec.structs.replace(said, parts=evil), files)
    with pytest.raises(StoreError, match="cannot be one"):
        archive.read(bad, tmp_path / "into")
    with pytest.raises(StoreError, match="cannot be in a backup"):
        archive.part_of(name, folder / said.parts[0].name)


def test_the_copy_shows_one_moment_of_both_databases_while_they_are_written(tmp_path: Path) -> None:
    fill(tmp_path / "live")
    readings = DuckReadingStore(tmp_path / "live" / "readings.duckdb", ManualClock())
    records = records_of(tmp_path / "live")

    class Then(AbstractContextManager[None]):
        """Writes into both as soon as the moment is over."""

        def __init__(self, cut: AbstractContextManager[None]) -> None:
            self._cut = cut

        def __enter__(self) -> None:
            self._cut.__enter__()

        def __exit__(self, *error: Any) -> None:
            self._cut.__exit__(*error)
            records.add_patient(patient("p-late"))

    def copy_readings(to: Path, cut: AbstractContextManager[None]) -> dict[str, TableSum]:
        found = readings.copy(to, Then(cut))
        commit(readings, SIZE, 10)
        return found

    made = backup.copy_installation(tmp_path / "live", copy_readings, ManualClock(NOW))
    assert file_sums(made.folder / "readings.duckdb") == made.readings
    assert made.readings["readings"].rows == SIZE
    assert backup.record_sums(made.folder / "records.sqlite3")["patients"].rows == 1
    assert (made.cut_at, made.pause_s, readings.head(), len(records.patients())) == (NOW, 0.0, SIZE + 13, 2)
    readings.close()
    records.close()


def test_a_reading_committed_during_the_copy_is_not_in_it(tmp_path: Path) -> None:
    file = DuckFile(tmp_path / "a.duckdb")
    with file.write() as con:
        con.execute("CREATE TABLE t AS SELECT range AS n FROM range(5)")
    with file.one_state(tmp_path / "b'.duckdb", "copied", nullcontext()) as con:
        with file.write() as writer:
            writer.execute("INSERT INTO t VALUES (6)")
        assert sums(con)["t"].rows == 5
        con.execute("COPY FROM DATABASE a TO copied")
    assert sums_of(file)["t"].rows == 6
    file.close()
    assert file_sums(tmp_path / "b'.duckdb")["t"].rows == 5


def sums_of(file: DuckFile) -> dict[str, TableSum]:
    with file.read() as con:
        return sums(con)


def test_closing_breaks_a_copy_off(tmp_path: Path) -> None:
    file, inside, said = DuckFile(tmp_path / "a.duckdb"), threading.Event(), []

    def copying() -> None:
        try:
            with file.one_state(tmp_path / "b.duckdb", "copied", nullcontext()) as con:
                inside.set()
                con.execute("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b").fetchall()
        except StoreError as error:
            said.append(str(error))

    thread = threading.Thread(target=copying)
    thread.start()
    assert inside.wait(10)
    file.close()
    thread.join(10)
    assert len(said) == 1
    assert "copying" in said[0]
    with pytest.raises(StoreError, match="closed"), file.one_state(tmp_path / "c.duckdb", "copied", nullcontext()):
        pass


def test_a_copy_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)

    def fails(_to: Path, _cut: AbstractContextManager[None]) -> dict[str, TableSum]:
        raise StoreError("the disk failed")

    with pytest.raises(StoreError, match="the disk failed"):
        backup.copy_installation(tmp_path, fails, ManualClock())
    assert not (tmp_path / "backup").exists()
    monkeypatch.setattr(backup, "SPARE_BYTES", 1 << 60)
    with pytest.raises(StoreError, match="no room"):
        backup.copy_installation(tmp_path, fails, ManualClock())


def test_a_manifest_of_another_program_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar"
    for document in (b"{}", b"[1]", b"not json", b'{"format": 1}'):
        with tarfile.open(bad, "w") as tar:
            (tmp_path / MANIFEST).write_bytes(document)
            tar.add(tmp_path / MANIFEST, MANIFEST)
        with pytest.raises(StoreError):
            archive.read(bad)
    assert Manifest.__struct_config__.forbid_unknown_fields
