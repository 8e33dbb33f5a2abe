"""``vigil policy check``, and what a back-test does with policies that know the time of day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.backtest_source import without_schedules
from cli.policy import register
from vigil.domain.errors import ConfigError, PolicyError
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.schedules import Schedule

GOOD = """
signed_off_by = "Dr Wang"
off = ["limit.bp_sys.high"]
[[limit]]
vital = "spo2"
side = "low"
limit = 85.5
[[schedule]]
from = "22:00"
to = "07:00"
days = ["sat"]
[[schedule.limit]]
vital = "spo2"
side = "low"
limit = 84.5
"""


def checked(folder: Path, text: str, *options: str) -> Result:
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)
    path = folder / "file.toml"
    path.write_text(text)
    return CliRunner().invoke(app, ["policy", "check", str(path), *options])


def test_a_good_file_says_what_it_changes(tmp_path: Path) -> None:
    done = checked(tmp_path, GOOD)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "limit.bp_sys.high.enabled: True -> False",
        f"limit.spo2.low.limit: {DEFAULT_POLICY.limits[0].limit} -> 85.5",
        "limit.spo2.low.limit: 84.5 from 22:00 to 07:00 sat",
        "file.toml: signed off by Dr Wang",
    ]
    assert checked(tmp_path, "").output == "file.toml: not signed off\n"


def test_a_bad_file_says_every_reason(tmp_path: Path) -> None:
    done = checked(tmp_path, 'colour = 1\ntimezone = "UTC"\n' + GOOD.replace("85.5", "101"), "--for", "ward")
    assert done.exit_code == 1
    said = done.output.splitlines()
    assert all(line.startswith("file.toml: ") for line in said)
    for word in ("unknown key", "timezone can be set for everybody only", "limit 101 (ward) is outside 0 to 100 %"):
        assert [line for line in said if word in line], word


def test_a_file_that_is_no_file_or_no_toml(tmp_path: Path) -> None:
    assert isinstance(checked(tmp_path, "= 1").exception, PolicyError)
    app = typer.Typer()
    register(app)
    missing = CliRunner().invoke(app, ["policy", "check", str(tmp_path / "none.toml")])
    assert isinstance(missing.exception, ConfigError)


def test_a_back_test_refuses_policies_that_change_with_the_time_of_day() -> None:
    night = replace(DEFAULT_POLICY, schedules=(Schedule(0, 60, (0,), {"limit.spo2.low.limit": 85}),))
    with pytest.raises(PolicyError, match="policies of 1 patients change with the time of day"):
        without_schedules({"p-1": night, "p-2": DEFAULT_POLICY})
    assert without_schedules({"p-2": DEFAULT_POLICY}) == {"p-2": DEFAULT_POLICY}
