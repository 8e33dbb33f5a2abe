"""The copy to InfluxDB as the core and ``vigil doctor`` see it; and its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.influx import CHECKPOINT, NO_CLIENT, asked, check, copying
from tests.conformance.stores.given import commit, readings, streams
from tests.servers.fake_influx import FakeInflux, Told
from vigil.domain.errors import ConfigError
from vigil.runtime.clock import ManualClock
from vigil.runtime.config import Settings, load
from vigil.runtime.metrics import Metrics
from vigil.store.duck import DuckReadingStore

BUCKETS = '{"buckets": [{"name": "vigil", "retentionRules": []}]}'


def chosen(folder: Path, url: str) -> Settings:
    (folder / "token").write_text("t0ken")
    return Settings.model_validate({"data_dir": folder, "influx": {"url": url, "token_file": folder / "token"}})


def test_nothing_is_copied_when_the_settings_name_no_server(tmp_path: Path) -> None:
    journal = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    assert copying(Settings(data_dir=tmp_path), journal, ManualClock(), Metrics()) is None
    journal.close()


def test_the_copy_is_a_check_that_is_never_needed(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = DuckReadingStore(tmp_path / "readings.duckdb", clock)
    journal.commit(commit(readings([(0, clock.now_us(), 97.0, 0)]), streams(1)))
    with FakeInflux(Told(200, BUCKETS, {"Content-Type": "application/json"}), Told(204)).running() as fake:
        forwarder = copying(chosen(tmp_path, fake.url), journal, clock, Metrics())
        assert forwarder is not None
        assert (check(forwarder).ok, check(forwarder).needed) == (True, False)
        assert "1 readings behind" in check(forwarder).detail
        while forwarder.step() == 0.0:
            pass
        assert check(forwarder).detail == "up to date"
    assert (tmp_path / CHECKPOINT).exists()
    journal.close()
    assert (check(forwarder).ok, check(forwarder).needed) == (True, False)


def test_a_client_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    settings = chosen(tmp_path, "http://127.0.0.1:8086")
    journal = DuckReadingStore(tmp_path / "readings.duckdb", ManualClock())
    with pytest.raises(ConfigError, match=r"vigil-rpm\[influx\]"):
        copying(settings, journal, ManualClock(), Metrics())
    journal.close()
    assert asked(settings, ManualClock()) == (False, NO_CLIENT)


def test_doctor_asks_the_server_itself(tmp_path: Path) -> None:
    unknown = Told(
        401, '{"code": "unauthorized", "message": "unauthorized access"}', {"Content-Type": "application/json"}
    )
    with FakeInflux(unknown).running() as fake:
        ok, words = asked(chosen(tmp_path, fake.url), ManualClock())
    assert (ok, "influx.token_file" in words) == (False, True)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('url = "influx.example:8086"', "url must be like https://host:8086"),
        ('url = "https://admin:secret@host:8086"', "must not hold a user"),
        ('url = "http://influx.example:8086"', "not encrypted"),
        ('url = "https://host:8086"', "token_file must be given"),
        ('url = "https://host:8086"\ntoken = "abc"', "token"),
    ],
)
def test_settings_that_cannot_work_refuse_to_start(tmp_path: Path, lines: str, words: str) -> None:
    path = tmp_path / "vigil.toml"
    path.write_text(f"[influx]\n{lines}\n")
    with pytest.raises(ConfigError, match=words) as refused:
        load(path, {})
    assert "secret" not in str(refused.value)
    assert "abc" not in str(refused.value)
