from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulators.packs import Record
from simulators.recording import Recording, packs
from simulators.replay import dataset_names, load_recordings
from vigil.domain.errors import ScenarioError
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_WIRE

START_US = 1_767_276_000_000_000
BIDMC = Path(__file__).parents[4] / "shared" / "data" / "bidmc"

NUMERICS = """record,Time [s],HR,PULSE,RESP,SpO2
3,0,94.0,93.0,25.0,97.0
3,1,94.0,,0.0,
3,2,,,,
3,3,95.0,94.0,20.0,96.0
1,0,60.0,60.0,0.0,99.0
"""
INFO = """bidmc_01
Age: 88
Gender: M
=====
bidmc_03
Age: 46
Gender: F
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "numerics_1hz.csv").write_text(NUMERICS, encoding="utf-8")
    (tmp_path / "fixed_info.txt").write_text(INFO, encoding="utf-8")
    return tmp_path


def third(folder: Path) -> Recording:
    return load_recordings("bidmc", folder)[1]


def test_each_record_is_a_device_with_age_and_sex(folder: Path) -> None:
    found = load_recordings("bidmc", folder)
    assert [(one.device_id, one.age, one.sex) for one in found] == [("bidmc-01", 88, "M"), ("bidmc-03", 46, "F")]


def test_two_heart_rates_are_two_sites_and_no_reading_is_not_zero(folder: Path) -> None:
    sent = [pack.records for _, pack in packs(third(folder), START_US)]
    assert sent[0] == (
        Record("hr", START_US, 94.0),
        Record("hr", START_US, 93.0, 0, "finger"),
        Record("rr", START_US, 25.0),
        Record("spo2", START_US, 97.0),
    )
    second = START_US + 1_000_000
    assert sent[1] == (Record("hr", second, 94.0), Record("rr", second, None, int(Quality.CONTACT_LOST)))


def test_a_second_in_which_nothing_was_sent_makes_no_pack(folder: Path) -> None:
    assert [due for due, _ in packs(third(folder), START_US)] == [0, 1_000_000, 3_000_000]


def test_what_is_counted_is_what_is_sent(folder: Path) -> None:
    one = third(folder)
    records = [record for _, pack in packs(one, START_US, joined_seconds=3) for record in pack.records]
    assert (one.values, one.tried) == (9, 1)
    assert sum(record.value is not None for record in records) == one.values
    assert sum(record.value is None for record in records) == one.tried


def test_seconds_are_joined_and_due_when_the_last_is_measured(folder: Path) -> None:
    joined = list(packs(third(folder), START_US, joined_seconds=3))
    assert [(due, len(pack.seconds)) for due, pack in joined] == [(2_000_000, 3), (3_000_000, 1)]


def test_a_dataset_is_a_file_and_an_unknown_one_is_refused(folder: Path) -> None:
    assert "bidmc" in dataset_names()
    with pytest.raises(ScenarioError, match="bidmc"):
        load_recordings("nothing", folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("numerics_1hz.csv", ""),
        ("numerics_1hz.csv", "a,b\n1,2\n"),
        ("numerics_1hz.csv", NUMERICS.replace("94.0", "many")),
        ("fixed_info.txt", "nobody"),
    ],
)
def test_a_folder_that_is_something_else_is_refused(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match="bidmc"):
        load_recordings("bidmc", folder)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot read"):
        load_recordings("bidmc", tmp_path / "nowhere")


def test_a_pack_joins_at_least_a_second(folder: Path) -> None:
    with pytest.raises(ScenarioError):
        next(packs(third(folder), START_US, joined_seconds=0))


@pytest.mark.recordings
@pytest.mark.skipif(not BIDMC.is_dir(), reason="needs the BIDMC recordings in ../shared/data/bidmc")
def test_the_real_recordings() -> None:
    found = load_recordings("bidmc", BIDMC)
    assert len(found) == 27
    assert all(one.seconds.tolist() == list(range(481)) for one in found)
    assert sum(one.tried for one in found) == 220
    assert sum(one.values for one in found) == 12_983 + 2 * 12_865 + 12_614
    for one in found:
        for (name, _), column in one.columns.items():
            low, high = BY_WIRE[name].reject
            shown = column[np.isfinite(column)]
            assert np.all((shown >= low) & (shown <= high))
            assert np.all(shown > 0)
