"""A ward with faults is what ingest makes of it: wrong clocks are seen as they are live, of sound devices nothing changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from cli.backtest_received import stored
from cli.backtest_ward import made_ward
from simulators.export import START_US
from simulators.lab_ward import FaultSpan, LabBed, WardPlan, lab_ward
from simulators.table import readings
from vigil.domain.quality import Quality
from vigil.domain.times import DAY, HOUR, MINUTE
from vigil.domain.vitals import VITALS

PLAN = WardPlan(3, 2, 5)
UNTIL = START_US + 16 * HOUR
WRONG = np.uint16(Quality.CLOCK_AHEAD | Quality.CLOCK_CORRECTED)


def table(bed: LabBed, *, faulty: bool) -> dict[str, NDArray[Any]]:
    parts = list(stored(bed, UNTIL, faulty=faulty))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def with_fault(name: str) -> LabBed:
    """From 10:00 to 12:00."""
    return replace(lab_ward(PLAN)[1], spans=(FaultSpan(name, 10.0, 12.0),))


def test_nothing_happens_to_what_sound_devices_send() -> None:
    for bed in lab_ward(PLAN):
        made, plain = table(bed, faulty=False), readings(bed.virtual(START_US, faulty=False), UNTIL)
        place = {kind.name: kind.index for kind in VITALS}
        # The wire puts "tried, no value" after the values of its pack.
        vital = np.array([place[name] for name in made["vital"]])
        ours, theirs = np.lexsort((vital, made["seq"])), np.lexsort((plain.vital, plain.seq))
        assert vital[ours].tolist() == plain.vital[theirs].tolist()
        for column in ("measured_at", "received_at", "value", "quality", "seq"):
            np.testing.assert_array_equal(made[column][ours], getattr(plain, column)[theirs])


@pytest.mark.parametrize(("fault", "lost"), [("clock_behind", 1), ("clock_ahead", 1), ("clock_reset", 1)])
def test_a_clock_that_goes_wrong_loses_no_more_than_a_pack(fault: str, lost: int) -> None:
    """``lost``: the first pack after a step back, when the fault begins or is over, is not yet seen; 1970 begins with 0 s."""
    bed = with_fault(fault)
    sound, faulty = table(bed, faulty=False), table(bed, faulty=True)
    placed = np.abs(faulty["measured_at"] - faulty["received_at"]) <= MINUTE
    assert len(np.unique(sound["received_at"])) - len(np.unique(faulty["received_at"][placed])) <= lost
    during = (faulty["received_at"] > START_US + 10 * HOUR) & (faulty["received_at"] < START_US + 12 * HOUR) & placed
    assert ((faulty["quality"][during] & WRONG) != 0).all()
    assert ((faulty["quality"][~during & placed][-100:] & WRONG) == 0).all()


def test_the_ward_is_made_once_for_each_version_of_ingest(tmp_path: Path) -> None:
    plan = WardPlan(1, 2, 5)
    made = made_ward(plan, tmp_path, faulty=True, workers=1, progress=lambda _done, _all: None)
    (bed,) = lab_ward(plan)
    parts = list(stored(bed, START_US + 2 * DAY - 1, faulty=True))
    with duckdb.connect() as con:
        rows = con.execute(f"SELECT measured_at, quality FROM '{made.source.path}'").fetchall()
    assert rows == [
        (int(at), int(bits)) for part in parts for at, bits in zip(part["measured_at"], part["quality"], strict=True)
    ]
    made.source.path.write_bytes(b"kept")
    again = made_ward(plan, tmp_path, faulty=True, workers=1, progress=lambda _done, _all: None)
    assert again.source.path.read_bytes() == b"kept"
    assert made.source.path.name != "faulty.parquet"
