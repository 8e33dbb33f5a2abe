"""The usual range of a person, hour by hour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from api.schema.series import UsualList
from tests.unit.api.site import START, Site
from vigil.domain.people import Device
from vigil.domain.quality import Quality
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND, to_iso
from vigil.domain.usual import SPREADS

PATH = "/api/v1/patients/p-1/usual"


@pytest.fixture
def worn(site: Site) -> Site:
    site.admit("p-1", "w-1")
    return site


def hours(site: Site, since: int, until: int, vital: str = "heart_rate") -> list[dict[str, Any]]:
    answer = site.get(PATH, params={"vital": vital, "from": to_iso(START + since), "to": to_iso(START + until)})
    assert answer.status_code == 200, answer.text
    assert UsualList.model_validate_json(answer.content).model_dump(mode="json", by_alias=True) == answer.json()
    items = answer.json()["items"]
    return list(items[0]["hours"]) if items else []


def minutes(site: Site, values: list[float], start: int = 0, vital: str = "heart_rate", quality: int = 0) -> None:
    site.store("w-1", vital, values, start=START + start, step_s=60, quality=quality)


def test_two_sd_around_the_mean_of_the_48_hours_before(worn: Site) -> None:
    steps = np.repeat([60.0, 80.0], 6 * 60)  # 12 h
    minutes(worn, steps.tolist() * 4)
    worn.clock.jump_to(START + 48 * HOUR)
    (found,) = hours(worn, 48 * HOUR, 48 * HOUR + SECOND)
    assert found == {
        "from": to_iso(START + 48 * HOUR),
        "to": to_iso(START + 49 * HOUR),
        "mean": 70.0,
        "sd": 10.0,
        "low": 50,
        "high": 90,
    }


def test_what_is_older_than_48_hours_does_not_count(worn: Site) -> None:
    minutes(worn, [120.0] * 24 * 60 + [60.0] * 48 * 60)
    found = hours(worn, 71 * HOUR, 73 * HOUR)
    assert [one["mean"] for one in found] == [pytest.approx(60 + 60 / 48, abs=0.1), 60]


def test_nothing_before_there_are_12_hours(worn: Site) -> None:
    minutes(worn, [70.0] * 13 * 60)
    assert [one["from"] for one in hours(worn, 0, 13 * HOUR)] == [to_iso(START + 12 * HOUR)]


def test_the_least_spread_is_that_of_the_detector_and_saturation_ends_at_100(worn: Site) -> None:
    minutes(worn, [99.0] * 13 * 60, vital="spo2")
    (found,) = hours(worn, 13 * HOUR, 13 * HOUR + SECOND, "spo2")
    assert (found["sd"], found["low"], found["high"]) == (SPREADS["spo2"].floor, 97, 100)


def test_a_spot_check_stands_for_half_an_hour_at_most(worn: Site) -> None:
    worn.store("w-1", "bp_sys", [120.0] * 12, start=START, step_s=7200)
    assert hours(worn, DAY, DAY + SECOND, "bp_sys") == []
    worn.store("w-1", "bp_sys", [120.0] * 24, start=START + DAY, step_s=1800)
    assert hours(worn, DAY + 13 * HOUR, DAY + 13 * HOUR + SECOND, "bp_sys")[0]["low"] == 106


def test_bad_values_and_another_persons_do_not_count(worn: Site) -> None:
    minutes(worn, [70.0] * 13 * 60)
    minutes(worn, [150.0] * 60, start=30 * SECOND, quality=Quality.MOTION)
    worn.admit("p-2")
    worn.records.put_device(Device("w-2", "patch-2"))
    worn.records.bind("w-2", "p-1", START)
    worn.records.unbind("w-2", START + 5 * MINUTE)
    worn.store("w-2", "heart_rate", [150.0] * 600, start=START + 5 * MINUTE, step_s=60)
    (found,) = hours(worn, 13 * HOUR, 13 * HOUR + SECOND)
    assert found["mean"] == 70


def test_of_two_sensors_the_mean(worn: Site) -> None:
    minutes(worn, [70.0] * 13 * 60)
    worn.records.put_device(Device("w-2", "patch-2"))
    worn.records.bind("w-2", "p-1", START)
    worn.store("w-2", "heart_rate", [80.0] * 13 * 60, start=START, step_s=60)
    (found,) = hours(worn, 13 * HOUR, 13 * HOUR + SECOND)
    assert found["mean"] == 75


def test_only_of_vitals_that_have_one_and_of_two_days_at_most(worn: Site) -> None:
    minutes(worn, [37.0] * 13 * 60, vital="skin_temp")
    assert hours(worn, 13 * HOUR, 14 * HOUR, "skin_temp") == []
    answer = worn.get(PATH, params={"from": to_iso(START), "to": to_iso(START + 2 * DAY + SECOND)})
    assert answer.status_code == 422
    assert worn.get("/api/v1/patients/p-9/usual").status_code == 404
