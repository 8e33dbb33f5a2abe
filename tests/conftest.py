"""Fixtures of the whole suite: the running product, and which machine parts there are."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import settings

from tests.product import Product
from tests.servers.influx import Influxd, influx_release, influxd, victoria_metrics
from tests.servers.postgres import Postgres, programs, release

# How long a case takes says how busy the machine is. What is slow shows in `vigil bench`.
settings.register_profile("vigil", deadline=None)
settings.load_profile("vigil")

RECORDINGS = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="a skipped test fails the run: for machines that have everything"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a program or data that this machine lacks is skipped by name."""
    lacking = {
        "mosquitto": None if find("mosquitto") and find("mosquitto_pub") else "mosquitto and mosquitto-clients",
        "postgresql": None if programs() else "postgresql",
        "influxd": None if influxd() else "influxd, which no package has",
        "victoriametrics": None if victoria_metrics() else "victoria-metrics",
        "browser": None if find("chromium") else "chromium",
        "recordings": None if RECORDINGS.is_dir() else "the recordings in ../shared/data",
    }
    for item in items:
        for marker, what in lacking.items():
            if what is not None and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"needs {what}"))


def find(program: str) -> str | None:
    """Debian keeps servers where an ordinary user's PATH does not look."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    skipped = [one for one in skipped if "influxd" not in one.keywords]  # nothing that CI may install has it
    if session.config.getoption("--no-skips") and skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the stores were tried on."""
    server = [release(found)] if (found := programs()) else []
    server += [copy] if (copy := influx_release()) else []
    found_here = [f"SQLite {sqlite3.sqlite_version}", f"DuckDB {duckdb.__version__}", *server]
    terminalreporter.write_line(f"stores: {', '.join(found_here)}")


@pytest.fixture(scope="session")
def recordings() -> Path:
    return RECORDINGS


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running ``vigil up`` with a simulated ward, shared by the tests that only add to it."""
    with Product.started(tmp_path_factory.mktemp("product"), patients=6) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of our own: each test asks it for a database. Tests that stop it start one for themselves."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="session")
def influx() -> Iterator[Influxd]:
    """A server of our own: each test has a bucket. Tests that stop it start one for themselves."""
    server = Influxd()
    yield server
    server.close()
