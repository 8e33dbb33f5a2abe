"""What the operator's commands say where the records are on a server, and where its URL comes from."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli import audit, backup, doctor
from cli.doctor import examine
from cli.records import FILE, records_of_core, records_url
from tests.conformance.stores.factories import KEY
from tests.conformance.stores.given import T0
from tests.servers.postgres import PASSWORD, Postgres
from vigil.domain.audit import Entry, Step
from vigil.domain.errors import ConfigError
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import RecordsSettings, Settings, load
from vigil.store.records import SqlRecordStore

ENTRY = Entry(T0, Step.ANSWERED, "r-1", "Li Na", "nurse", "::1", "GET", "/p", {}, "", "", 200)


@pytest.fixture
def chosen(postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    url = postgres.database(migrated=True)
    store = SqlRecordStore(url, KEY)
    store.append_audit([ENTRY] * 3)
    store.close()
    (tmp_path / "records.url").write_text(f"{url}\n")
    config = tmp_path / "vigil.toml"
    config.write_text(f'data_dir = "{tmp_path}"\n[records]\nurl_file = "{tmp_path / "records.url"}"\n')
    yield load(config, {})
    postgres.give_back(url)


def run(chosen: Settings, *arguments: str) -> tuple[BaseException | None, str]:
    app = typer.Typer()
    for module in (audit, backup, doctor):
        module.register(app)
    done = CliRunner().invoke(app, [*arguments, "--config", str(chosen.data_dir / "vigil.toml")])
    assert PASSWORD not in done.output
    return done.exception, done.output


@pytest.mark.postgresql
def test_the_audit_log_is_followed_on_the_server(chosen: Settings) -> None:
    assert run(chosen, "audit", "verify")[1].startswith("3 entries, unbroken, head ")
    assert audit.broken_at_start(chosen) == ""


@pytest.mark.postgresql
def test_a_backup_says_what_it_does_not_do(chosen: Settings) -> None:
    failed, _ = run(chosen, "backup", "--out", str(chosen.data_dir / "b.vigil"))
    assert isinstance(failed, ConfigError)
    assert "pg_dump" in str(failed)
    assert not (chosen.data_dir / FILE).exists()


@pytest.mark.postgresql
def test_the_doctor_names_the_server_and_what_is_wrong_with_it(chosen: Settings, postgres: Postgres) -> None:
    found = {one.name: one for one in examine(chosen, ManualClock())}["records"]
    assert found.detail == f"PostgreSQL {postgres.version} at 127.0.0.1:{postgres.port}/{_name(chosen)}"
    assert "fsync" in found.todo  # of this server, which is for tests
    assert PASSWORD not in str(found)
    (chosen.data_dir / "records.url").write_text(f"postgresql://vigil@127.0.0.1:{_nobody()}/records")
    found = {one.name: one for one in examine(chosen, ManualClock())}["records"]
    assert found.ok is False
    assert "is it running" in found.detail


def _name(chosen: Settings) -> str:
    return records_url(chosen).rpartition("/")[2]


def _nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_without_a_setting_the_records_are_a_file_of_the_data_directory(tmp_path: Path) -> None:
    assert records_url(Settings(data_dir=tmp_path)) == f"sqlite:///{tmp_path / FILE}"


def test_a_file_with_records_is_not_left_behind_in_silence(tmp_path: Path) -> None:
    chosen = Settings(data_dir=tmp_path, records=RecordsSettings(url="postgresql://vigil@db/records"))
    assert records_of_core(chosen) == "postgresql://vigil@db/records"
    (tmp_path / FILE).touch()
    with pytest.raises(ConfigError, match="run vigil migrate --to"):
        records_of_core(chosen)


def test_a_url_may_stand_in_the_environment(tmp_path: Path) -> None:
    chosen = load(None, {"VIGIL_RECORDS__URL": "postgresql://vigil@db/records"})
    assert records_url(chosen) == "postgresql://vigil@db/records"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://vigil:hunter2@db/records", "a password does not belong into the settings"),
        ("postgresql://vigil@db/records?password=hunter2", "a password does not belong into the settings"),
    ],
)
def test_a_password_in_the_settings_is_refused_and_not_shown(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as failed:
        load(None, {"VIGIL_RECORDS__URL": url})
    assert "hunter2" not in f"{failed.value} {failed.value.__cause__}"


def test_a_file_that_holds_no_url_is_named_and_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "records.url"
    with pytest.raises(ConfigError, match="not both"):
        load(None, {"VIGIL_RECORDS__URL": "postgresql://db/x", "VIGIL_RECORDS__URL_FILE": str(file)})
    chosen = load(None, {"VIGIL_RECORDS__URL_FILE": str(file)})
    with pytest.raises(ConfigError, match=r"records\.url cannot be read: FileNotFoundError"):
        records_url(chosen)
    file.write_text("hunter2 hunter3")
    with pytest.raises(ConfigError, match="must hold one line") as failed:
        records_url(chosen)
    assert "hunter" not in str(failed.value)
