"""The systemd units: understood by systemd itself, little exposed, and with commands that there are."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import build
from tests.conftest import find
from tests.deploy.compose import ROOT

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
#: Of ``systemd-analyze security``, from 0 (nothing can be reached) to 10: below 2.5 all of them (ours).
MOST_EXPOSED = 2.5
needs_systemd = pytest.mark.skipif(find("systemd-analyze") is None, reason="needs systemd-analyze")


def command(unit: Path) -> list[str]:
    """The words after the program."""
    found = re.search(r"^ExecStart=/opt/vigil/bin/vigil (.*)$", unit.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return shlex.split(found[1])


def test_there_is_a_unit_for_each_process() -> None:
    assert [unit.stem for unit in UNITS] == ["vigil-broker", "vigil-core", "vigil-gateway", "vigil-watchdog"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_its_command_and_options_are_ours(unit: Path) -> None:
    words = command(unit)
    said = CliRunner().invoke(build(words), [*words[:2], "--help"], terminal_width=200).stdout
    assert all(word in said for word in words if word.startswith("--"))


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    """With a program that is on this machine. What is unknown to it, it says and goes on: nothing may be said of ours."""
    here = tmp_path / unit.name
    here.write_text(unit.read_text("utf-8").replace("/opt/vigil/bin/vigil", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(here)], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "vigil-" in line]
    assert ours == []


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_it_is_little_exposed(unit: Path) -> None:
    threshold = f"--threshold={MOST_EXPOSED * 10:.0f}"
    arguments = ["systemd-analyze", "security", "--offline=true", "--no-pager", threshold, str(unit)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_the_units_differ_only_where_they_must() -> None:
    """A line that one of them lost would not be missed by anybody."""
    sections = []
    for unit in UNITS:
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(unit, "utf-8")
        sections.append(set(parser.items("Service")))
    assert len(set.intersection(*sections)) >= 24
