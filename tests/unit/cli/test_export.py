"""``vigil export``: what is given out is searched for everything that the store knows of a person."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cli import export as export_command
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.audit import MANY, Question
from vigil.domain.deidentify import Pseudonyms
from vigil.domain.errors import ConfigError, InvalidInput, NotFound
from vigil.domain.events import Acknowledge, Began, Event, Finding, Stamp
from vigil.domain.feedback import Feedback, Verdict
from vigil.domain.lifecycle import apply
from vigil.domain.people import Device, Patient
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.quality import Quality
from vigil.domain.readings import NO_SEQUENCE, ReadingBatch, Stream
from vigil.domain.risk import ModelState, Prediction, Source
from vigil.domain.scores import Band, Score, ScoreStatus
from vigil.domain.times import DAY, SECOND, to_iso
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import ManualClock
from vigil.runtime.keys import load_keys
from vigil.store import Commit
from vigil.store.duck import DuckReadingStore
from vigil.store.export_cohort import QUERIES
from vigil.store.records import SqlRecordStore

#: 2026-03-17T09:26:53Z: its day and hour occur in nothing else.
T0 = int(datetime(2026, 3, 17, 9, 26, 53, tzinfo=UTC).timestamp()) * SECOND
PEOPLE, WARDS = 12, ("Ward-Marker-North", "Ward-Marker-South")
NURSE = "Nurse-Marker"


def enrolled(number: int) -> int:
    return T0 + number * 3 * DAY + number * 977 * SECOND


def patient(number: int, **change: Any) -> Patient:
    made = Patient(
        f"p-marked-{number}",
        f"Familymarker{number}",
        f"Givenmarker{number}",
        date(1931 + number % 3, 5, 1 + number % 28),
        ("female", "male")[number % 2],
        WARDS[number % 2],
    )
    return replace(made, **change)


def device(number: int) -> str:
    return f"SERIAL-{number:04d}-MARK"


def readings(number: int, stream: int) -> ReadingBatch:
    at = enrolled(number) + np.arange(20, dtype=np.int64) * SECOND + 314_159
    return ReadingBatch(
        ordinal=np.zeros(20, np.uint64),
        stream=np.full(20, stream, np.uint32),
        measured_at=at,
        device_time=at,
        received_at=at + 3 * SECOND,
        value=np.where(np.arange(20) == 3, np.nan, 70.0 + np.arange(20)),
        quality=np.where(np.arange(20) == 5, int(Quality.WHOSE_UNKNOWN), 0).astype(np.uint16),
        epoch=np.full(20, NO_SEQUENCE, np.uint32),
        seq=np.full(20, NO_SEQUENCE, np.uint32),
    )


def fill(folder: Path) -> None:
    load_keys(folder, create=True)
    clock = ManualClock(T0)
    store = DuckReadingStore(folder / "readings.duckdb", clock)
    records = records_of(folder)
    for number in range(PEOPLE):
        one = patient(number)
        add(records, one, number)
        stream = Stream(number, device(number), BY_NAME["heart_rate"].index, "Site-Marker")
        store.commit(Commit(readings(number, number), [stream], [], []))
        judged(store, records, one.patient_id, number)
        records.discharge(one.patient_id, enrolled(number) + (5 + number % 2) * DAY)
    add(records, patient(90, demo=True), 90)
    add(records, patient(91), 91)
    records.add_patient(patient(92))
    store.close()
    records.close()


def add(records: SqlRecordStore, one: Patient, number: int) -> None:
    records.add_patient(one)
    records.put_device(Device(device(number), "patch"))
    records.bind(device(number), one.patient_id, enrolled(number))
    records.put_device(Device(f"manual.{one.patient_id}", "entered by a person"))
    records.bind(f"manual.{one.patient_id}", one.patient_id, 0)


def judged(store: DuckReadingStore, records: SqlRecordStore, patient_id: str, number: int) -> None:
    """A score, a prediction, and an alert that somebody wrote the name into."""
    at = enrolled(number) + 10 * SECOND + 271_828
    store.append_scores([Score("news2", patient_id, at, ScoreStatus.COMPLETE, 7, 7, 7, Band.HIGH, True, ())])
    store.append_predictions(
        [
            Prediction(
                patient_id,
                "model-marker",
                "0a1b2c3d4e5f",
                at,
                at,
                1,
                ModelState.ACTIVE,
                Source.MODEL,
                0.2,
                0.1,
                0.3,
                True,
            )
        ]
    )
    evidence = Evidence(f"Nothing of {device(number)} since 9:26", ({"vital": "heart_rate", "measured_at": at},))
    rule = f"no_data.{device(number)}"
    finding = Finding(patient_id, rule, Kind.TECHNICAL, Priority.LOW, "No data", evidence, at, device(number))
    opened = happen(records, None, Began(Stamp(f"ordinal:{number + 1}", at + SECOND), finding))
    stamp = Stamp(f"command:c-{number}", at + 60 * SECOND, actor=NURSE)
    happen(records, opened, Acknowledge(stamp, 1, f"rang Familymarker{number}, tel 555-0199"))
    records.add_feedback(Feedback(opened.alert_id, NURSE, Verdict.ARTEFACT, "Familymarker slept", at + 90 * SECOND))


def happen(records: SqlRecordStore, alert: Any, event: Event) -> Any:
    line = apply(alert, event, DEFAULT_POLICY)
    assert line is not None
    records.record(line)
    return line.after


def records_of(folder: Path) -> SqlRecordStore:
    return SqlRecordStore(f"sqlite:///{folder / 'records.sqlite3'}", load_keys(folder).record_key.encode())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation") / "home"
    fill(folder)
    return folder


def run(home: Path, *arguments: str) -> Any:
    app = typer.Typer()
    export_command.register(app)
    return CliRunner().invoke(app, ["export", *arguments, "--data-dir", str(home)])


def exported(home: Path, to: Path, *more: str) -> Any:
    done = run(home, "cohort", "--to", str(to), "--k", "3", *more)
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads((to / "manifest.json").read_text())


def rows(path: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        reader = "read_parquet" if path.suffix == ".parquet" else "read_json"
        found = con.execute(f"SELECT * FROM {reader}(?)", [str(path)])
        names = [one[0] for one in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def forbidden() -> Iterator[str]:
    """Everything that the store knows of a person, and every time of it in any common form."""
    for number in [*range(PEOPLE), 90, 91, 92]:
        one = patient(number)
        yield from (one.patient_id, one.family, one.given, one.ward, device(number))
        yield from days(one.born)
        for at in (enrolled(number), enrolled(number) + 5 * DAY, enrolled(number) + 10 * SECOND):
            moment = datetime.fromtimestamp(at / SECOND, UTC)
            yield from days(moment.date())
            yield from (str(at // SECOND)[:8], str(at)[:12], moment.strftime("%H:%M:%S"))
    yield from (
        NURSE,
        "Site-Marker",
        "model-marker",
        "patch",
        "555-0199",
        "Familymarker",
        "SERIAL-",
        "9:26",
        "ordinal:",
    )


def found_in(text: str) -> list[str]:
    searched = text.casefold()
    return [one for one in sorted({word.casefold() for word in forbidden()}) if one in searched]


def days(day: date) -> Iterator[str]:
    forms = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d %b %Y", "%B %d", "%Y-%m")
    yield from (day.strftime(form) for form in forms)


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_no_identifier_and_no_date_is_in_any_byte(home: Path, tmp_path: Path, form: str) -> None:
    exported(home, tmp_path / "out", "--format", form)
    files = sorted((tmp_path / "out").iterdir())
    assert {one.name for one in files} == {"manifest.json", *(f"{table}.{form}" for table in QUERIES)}
    shown = ""
    for one in files:
        shown += one.read_bytes().decode("latin-1")
        if one.suffix == ".parquet":  # compressed: what a reader sees
            shown += json.dumps(rows(one))
    assert found_in(shown) == []


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_what_is_of_use_is_there(home: Path, tmp_path: Path, form: str) -> None:
    manifest = exported(home, tmp_path / "out", "--format", form)
    table = {name: rows(tmp_path / "out" / f"{name}.{form}") for name in QUERIES}
    people = {one["patient"] for one in table["people"]}
    assert len(people) == manifest["people"]["exported"] == PEOPLE
    assert manifest["files"][f"vitals.{form}"]["rows"] == len(table["vitals"]) == PEOPLE * 19
    first = [one for one in table["vitals"] if one["patient"] == table["vitals"][0]["patient"]]
    assert [one["t_s"] for one in first] == [0, 1, 2, 3, 4, *range(6, 20)]
    assert first[3]["value"] is None
    assert {one["delay_s"] for one in first} == {3}
    assert {one["vital"] for one in first} == {"heart_rate"}
    assert [(one["t_s"], one["total"]) for one in table["scores"]] == [(10, 7)] * PEOPLE
    assert {(one["t_s"], one["probability"], one["model"]) for one in table["predictions"]} == {
        (10, 0.2, "0a1b2c3d4e5f")
    }
    assert {(one["rule"], one["opened_s"], one["acknowledged_s"]) for one in table["alerts"]} == {("no_data", 11, 70)}
    steps = [(one["t_s"], one["step"], one["by_person"]) for one in table["actions"]][:2]
    assert steps == [(11, "opened", False), (70, "acknowledged", True)]
    assert {(one["t_s"], one["verdict"]) for one in table["feedback"]} == {(100, "artefact")}
    for name in ("vitals", "scores", "predictions", "alerts", "actions", "feedback"):
        assert {one["patient"] for one in table[name]} == people, name


def test_the_manifest_says_what_k_cost(home: Path, tmp_path: Path) -> None:
    manifest = exported(home, tmp_path / "out")
    told = rows(tmp_path / "out" / "people.parquet")
    classes = [tuple(one[name] for name in manifest["k_anonymity"]["quasi_identifiers"]) for one in told]
    assert min(classes.count(one) for one in classes) == manifest["k_anonymity"]["k_reached"] >= 3
    assert len(manifest["safe_harbor"]) == 18
    assert {one["age"] for one in told} == {"90+"}
    for name, said in manifest["files"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == said["sha256"]


def test_the_demo_the_watched_and_who_wore_nothing_are_left_out(home: Path, tmp_path: Path) -> None:
    done = run(home, "cohort", "--to", str(tmp_path / "out"), "--k", "3")
    assert "12 of 12 people" in done.output
    assert {"1 demo", "1 still watched", "1 wore nothing"} <= set(
        done.output.splitlines()[2].removeprefix("not asked about: ").split(", ")
    )
    refused = run(home, "cohort", "--to", str(tmp_path / "demo"), "--demo")
    assert isinstance(refused.exception, InvalidInput)
    assert not list(tmp_path.glob("*demo*"))


def test_a_ward_and_a_time_of_enrolment_narrow_the_cohort(home: Path, tmp_path: Path) -> None:
    assert exported(home, tmp_path / "ward", "--ward", WARDS[0])["people"]["asked_about"] == PEOPLE // 2
    span = ("--from", to_iso(enrolled(2)), "--to-time", to_iso(enrolled(8)))
    assert exported(home, tmp_path / "span", *span)["people"]["asked_about"] == 6


def test_the_key_leads_back_and_lies_elsewhere_or_nowhere(home: Path, tmp_path: Path) -> None:
    exported(home, tmp_path / "kept")
    digest = hashlib.sha256((tmp_path / "kept" / "manifest.json").read_bytes()).hexdigest()
    path = home / "exports" / f"{digest[:16]}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    names = Pseudonyms(bytes.fromhex(json.loads(path.read_text())["key"]))
    people = {one["patient"] for one in rows(tmp_path / "kept" / "people.parquet")}
    assert people == {names.of("patient", patient(number).patient_id) for number in range(PEOPLE)}
    before = set((home / "exports").iterdir())
    exported(home, tmp_path / "thrown", "--throw-key")
    assert set((home / "exports").iterdir()) == before
    assert people.isdisjoint(one["patient"] for one in rows(tmp_path / "thrown" / "people.parquet"))


def test_too_few_people_leave_nothing_behind(home: Path, tmp_path: Path) -> None:
    refused = run(home, "cohort", "--to", str(tmp_path / "out"), "--k", "13")
    assert isinstance(refused.exception, InvalidInput)
    assert not list(tmp_path.iterdir())
    assert not (home / "backup").exists()


def test_every_export_is_in_the_audit_log(home: Path, tmp_path: Path) -> None:
    exported(home, tmp_path / "out", "--reason", "study 7")
    run(home, "patient", "p-marked-1", "--to", str(tmp_path / "own.csv"), "--reason", "asked for it")
    with closing(records_of(home)) as records:
        found = [one.entry for one in records.audit(Question(limit=4))]
    said = [(one.step.value, one.route, one.patient_id, one.reason, one.status) for one in reversed(found)]
    assert said == [
        ("asked", "vigil export cohort", MANY, "study 7", 0),
        ("answered", "vigil export cohort", MANY, "study 7", 200),
        ("asked", "vigil export patient", "p-marked-1", "asked for it", 0),
        ("answered", "vigil export patient", "p-marked-1", "asked for it", 200),
    ]


def test_a_persons_own_copy_has_what_was_measured_and_nothing_inferred(home: Path, tmp_path: Path) -> None:
    done = run(home, "patient", "p-marked-4", "--to", str(tmp_path / "own.ndjson"))
    assert done.exit_code == 0, done.exception
    lines = [json.loads(line) for line in (tmp_path / "own.ndjson").read_text().splitlines()]
    assert (lines[0]["family"], lines[0]["born"]) == ("Familymarker4", patient(4).born.isoformat())
    assert {one["device"]: one["worn_from"] for one in lines if one["what"] == "device"} == {
        device(4): to_iso(enrolled(4)),
        "manual.p-marked-4": None,
    }
    values = [one for one in lines if one["what"] == "value"]
    assert len(values) == 19
    assert values[0] == {
        "what": "value",
        "measured_at": to_iso(enrolled(4) + 314_159),
        "received_at": to_iso(enrolled(4) + 314_159 + 3 * SECOND),
        "vital": "heart_rate",
        "value": 70.0,
        "unit": "/min",
        "quality": [],
        "device": device(4),
        "site": "Site-Marker",
    }
    text = (tmp_path / "own.ndjson").read_text()
    assert len(found_in(text)) >= 9  # what a cohort is searched for is found where it is
    assert not any(one in text for one in ("news2", "model-marker", "no_data", NURSE, "p-marked-5"))
    assert stat.S_IMODE((tmp_path / "own.ndjson").stat().st_mode) == 0o600


def test_a_persons_own_copy_as_a_table(home: Path, tmp_path: Path) -> None:
    run(home, "patient", "p-marked-4", "--to", str(tmp_path / "own.csv"))
    with (tmp_path / "own.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [one["value"] for one in found][:4] == ["70.0", "71.0", "72.0", ""]
    assert {one["vital"] for one in found} == {"heart_rate"}


def test_a_stranger_has_no_copy_and_is_not_named_in_the_log(home: Path, tmp_path: Path) -> None:
    refused = run(home, "patient", "Familymarker4", "--to", str(tmp_path / "own.ndjson"))
    assert isinstance(refused.exception, NotFound)
    assert not list(tmp_path.iterdir())
    with closing(sqlite3.connect(home / "records.sqlite3")) as con:
        assert con.execute("SELECT count(*) FROM audit_log WHERE objects LIKE '%Family%'").fetchone() == (0,)
        assert con.execute("SELECT count(*) FROM audit_log WHERE patient_id LIKE '%Family%'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cohort", "--from", "yesterday"), "with a zone"),
        (("cohort", "--reason", "x" * 501), "500"),
        (("patient", "p-marked-1"), "must end in"),
    ],
)
def test_wrong_words_are_told(home: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    refused = run(home, *arguments, "--to", str(tmp_path / "out"))
    assert isinstance(refused.exception, ConfigError)
    assert words in str(refused.exception)


def test_records_on_a_server_are_not_exported(home: Path, tmp_path: Path) -> None:
    (tmp_path / "vigil.toml").write_text('[records]\nurl = "postgresql://db/vigil"\n')
    for arguments in (("cohort",), ("patient", "p-marked-1")):
        to = ("--to", str(tmp_path / "out.csv"), "--config", str(tmp_path / "vigil.toml"))
        assert "PostgreSQL" in str(run(home, *arguments, *to).exception)


def test_what_is_there_is_never_replaced(home: Path, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("mine")
    for arguments in (("cohort", "--to", str(tmp_path)), ("patient", "p-marked-1", "--to", str(tmp_path / "own.csv"))):
        assert "exists" in str(run(home, *arguments).exception)
    assert (tmp_path / "own.csv").read_text() == "mine"
