"""Charted stays of intensive care through the front door, and as a table."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.product import Product, vigil

STAYS, HOURS = 24, 6

#: The first hours of the first stays, by subject and time, counted without the loader.
FIRST = f"""
WITH charted AS (
    SELECT *, charttime::TIMESTAMP AS at_time, min(charttime::TIMESTAMP) OVER (PARTITION BY icustay_id) AS began
    FROM '{{source}}' WHERE icustay_id IS NOT NULL
), chosen AS (
    SELECT *, dense_rank() OVER (ORDER BY subject_id, began, icustay_id) AS place FROM charted
)
SELECT * FROM chosen WHERE place <= {STAYS} AND at_time < began + INTERVAL {HOURS} HOURS
"""
#: ``vital`` of the file → reject range of the platform's table (the reference page on ranges).
RANGES = {
    "HR": (0, 350),
    "RR": (0, 100),
    "SpO2": (0, 100),
    **dict.fromkeys(("SBP_art", "NISBP"), (20, 320)),
    **dict.fromkeys(("DBP_art", "NIDBP"), (10, 220)),
    **dict.fromkeys(("MAP_art", "NIMAP"), (10, 260)),
}


def figures(text: str) -> dict[str, str]:
    """First two cells of every row of the printed tables."""
    lines = [line.split("│") for line in text.splitlines() if line.startswith("│")]
    return {cells[1].strip(): cells[2].strip() for cells in lines}


@pytest.mark.recordings
@pytest.mark.timeout(240)
def test_replay_of_charted_stays_accounts_for_every_value(product: Product, recordings: Path) -> None:
    folder = recordings / "mimic3_demo"
    rows = duckdb.execute(
        f"SELECT vital, valuenum, icustay_id, charttime FROM ({FIRST.format(source=folder / 'vitals_long.parquet')})"
    ).fetchall()
    assert {vital for vital, *_ in rows}.isdisjoint({"GCS_eye", "GCS_verbal", "GCS_motor"}), (
        "these stays chart the total"
    )
    impossible = sum(
        not low <= value <= high
        for vital, value, *_ in rows
        for low, high in [RANGES.get(vital, (-math.inf, math.inf))]
    )
    assert impossible == 3

    arguments = (
        "--data-dir",
        str(product.data_dir),
        "--speed",
        "10000",
        "--patients",
        f"{STAYS}",
        "--hours",
        f"{HOURS}",
    )
    done = vigil("replay", "mimic3", str(folder), *arguments, timeout_s=200)
    assert done.returncode == 0, done.stdout + done.stderr
    said = figures(done.stdout)
    assert int(said["sent"]) == len(rows), done.stdout
    assert said["missing (sent - stored - refused)"] == "0", done.stdout
    assert int(said["refused: out_of_range"]) == impossible
    refused = sum(int(number) for what, number in said.items() if what.startswith("refused"))
    assert int(said["stored"]) == len(rows) - refused

    yesterday = datetime.now(UTC) - timedelta(days=1)
    warm_since_yesterday = {"vital": "body_temp", "from": yesterday.isoformat()}
    with product.client() as api:
        card = api.get("/api/v1/patients/mimic-10027-1").json()
        series = api.get("/api/v1/patients/mimic-10006-1/vitals", params=warm_since_yesterday).json()
    assert card["age"] == 82
    stored = [point["value"] for stream in series["streams"] for point in stream["raw"]]
    warm = [value for vital, value, stay, _ in rows if vital == "TempF" and stay == 206504]
    # one decimal is shown
    assert sorted(stored) == pytest.approx([(value - 32) * 5 / 9 for value in sorted(warm)], abs=0.051)


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["stays.parquet", "stays.csv"])
def test_a_table_needs_no_running_vigil(tmp_path: Path, recordings: Path, name: str) -> None:
    folder = recordings / "mimic3_demo"
    arguments = ("--patients", str(STAYS), "--hours", str(HOURS), "--to", name)
    done = vigil("replay", "mimic3", str(folder), *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    count = f"SELECT count(*) FROM ({FIRST.format(source=folder / 'vitals_long.parquet')})"
    (charted,) = duckdb.execute(count).fetchall()
    assert duckdb.execute(f"SELECT count(*) FROM '{tmp_path / name}'").fetchall() == [charted]
    said = figures(done.stdout)
    assert int(said["all"]) == charted[0] == sum(int(number) for what, number in said.items() if what != "all")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mimic3", "{dir}", "--to", "{dir}/x.parquet"), "mimic3: cannot read"),
        (("mimic3", "{dir}", "--to", "{dir}/x.xlsx"), ".parquet or .csv"),
        (("mimic3", "{dir}/nowhere", "--to", "{dir}/x.csv"), "is not a folder"),
        (("mimic4", "{dir}", "--to", "{dir}/x.csv"), "there are: bidmc, mimic3"),
    ],
)
def test_a_table_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = vigil("replay", *(a.format(dir=tmp_path) for a in arguments), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert list(tmp_path.iterdir()) == []
