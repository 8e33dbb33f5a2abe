"""How long the suite is, which seed it has, and the table at its end."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field

import pytest

from tests.chaos.runs import Row

FULL = os.environ.get("VIGIL_CHAOS") == "full"
#: Ten times the load, and hours of history, take minutes to be worked off, so they belong to the long version alone.
collect_ignore = [] if FULL else ["test_overload.py", "test_offline.py"]
_TABLE = pytest.StashKey[list[Row]]()
_NOTES = pytest.StashKey[list[str]]()
_SEED = pytest.StashKey[int]()


@dataclass(frozen=True)
class Size:
    """``seed``: of the first run; the others count on from it. ``rows`` and ``notes`` are printed at the end."""

    seed: int
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE], config.stash[_NOTES] = [], []
    config.stash[_SEED] = int(os.environ.get("VIGIL_CHAOS_SEED") or secrets.randbelow(1_000_000))


def pytest_report_header(config: pytest.Config) -> str:
    return f"chaos: VIGIL_CHAOS_SEED={config.stash[_SEED]} makes the same faults again"


@pytest.fixture(scope="session")
def size(pytestconfig: pytest.Config) -> Size:
    return Size(pytestconfig.stash[_SEED], pytestconfig.stash[_TABLE], pytestconfig.stash[_NOTES])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[_TABLE]
    terminalreporter.section("chaos")
    terminalreporter.line(f"VIGIL_CHAOS_SEED={config.stash[_SEED]} makes the same faults again")
    terminalreporter.line(
        f"{'run':18}{'seed':>8}{'sent':>8}{'stored':>8}{'lost':>6}{'doubled':>9}{'re-sent':>9}{'s':>7}  faults"
    )
    for row in rows:
        terminalreporter.line(
            f"{row.name:18}{row.seed:8}{row.sent:8}{row.stored:8}{row.lost:6}{row.doubled:9}{row.resent:9}"
            f"{row.seconds:7.1f}  {row.faults}"
        )
    terminalreporter.line(
        "sent, stored, lost, doubled: readings, one value each; re-sent: packs that came to the broker again"
    )
    for note in config.stash[_NOTES]:
        terminalreporter.line(note)
