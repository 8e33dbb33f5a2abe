"""What the store has forgotten and a copy has: shown to who wore the device then, and said when it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests.unit.api.prometheus.test_answers import PROM
from tests.unit.api.site import START, Site
from vigil.domain.errors import StoreError
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND, to_iso
from vigil.store import EVERY_READING, Buckets
from vigil.store.duck.readings import bucketed
from vigil.store.influx.older import Older
from vigil.store.influx.past import CopiedPast
from vigil.store.past import Past

#: Midnight.
BEGUN = START // DAY * DAY


class Copy:
    def __init__(self, rows: ReadingBatch) -> None:
        self.rows, self.away = rows, False

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        inside = (self.rows.measured_at >= start) & (self.rows.measured_at < end)
        found = self.rows.take(inside & np.isin(self.rows.stream, list(streams)))
        return found.take(slice(max(len(found) - limit, 0), None))

    def windows(self, streams: Sequence[int], start: int, end: int, width: int) -> Buckets:
        return bucketed(self.range(streams, start, end, EVERY_READING), start, width)

    @contextmanager
    def question(self) -> Iterator[Copy]:
        if self.away:
            raise StoreError("InfluxDB cannot be reached")
        yield self


@pytest.fixture
def copy(site: Site) -> Copy:
    """p-1 wears w-1 for a day and p-2 from then on: a value an hour, three days of them, the first two forgotten."""
    site.admit("p-1", "w-1")
    site.admit("p-2")
    site.records.bind("w-1", "p-2", BEGUN + DAY)
    site.store("w-1", "spo2", [90.0 + hour // 24 for hour in range(72)], start=BEGUN + MINUTE, step_s=3600)
    made = Copy(site.readings.range([0], 0, BEGUN + 9 * DAY, EVERY_READING))
    site.clock.advance(3 * DAY / SECOND)
    site.readings.close_days(BEGUN + 2 * DAY)
    site.readings.forget_days(BEGUN + 2 * DAY)
    return made


@pytest.fixture
def old(site: Site, copy: Copy) -> Site:
    older = Older(copy.question, site.clock)

    def past() -> Past:
        return CopiedPast(site.readings, older, site.clock, rollups_end=False)

    return site.given(past=past)


def vitals(site: Site, patient_id: str, more: str = "") -> Any:
    span = f"from={to_iso(BEGUN)}&to={to_iso(BEGUN + 3 * DAY)}"
    answer = site.get(f"/api/v1/patients/{patient_id}/vitals?vital=spo2&{span}{more}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_old_values_belong_to_who_wore_the_device_then(old: Site) -> None:
    for patient_id, values in (("p-1", [90] * 24), ("p-2", [91] * 24 + [92] * 24)):
        body = vitals(old, patient_id)
        assert ([one["value"] for one in body["streams"][0]["raw"]], body["older"]) == (values, None)
        (stream,) = vitals(old, patient_id, "&points=20")["streams"]
        assert sum(one["count"] for one in stream["points"]) == len(values)


def test_without_the_copy_young_values_are_shown_and_that_older_ones_are_away(old: Site, copy: Copy) -> None:
    copy.away = True
    older = {"before": to_iso(BEGUN + 2 * DAY), "reason": "unreachable"}
    body = vitals(old, "p-2", "&raw=true")
    assert ([one["value"] for one in body["streams"][0]["raw"]], body["older"]) == ([92] * 24, older)
    body = vitals(old, "p-2")
    assert body["older"] == older
    assert sum(one["count"] for one in body["streams"][0]["points"]) == 48  # by the hour, from the roll-ups
    body = vitals(old, "p-1", "&raw=true")
    assert (body["streams"], body["older"]) == ([], {**older, "before": to_iso(BEGUN + DAY)})


def test_each_series_of_a_list_says_it(old: Site, copy: Copy) -> None:
    copy.away = True
    span = f"from={to_iso(BEGUN)}&to={to_iso(BEGUN + 3 * DAY)}"
    found = old.get(f"/api/v1/patients/p-2/vitals?vital=body_temp&vital=spo2&{span}").json()["series"]
    assert [one["older"]["reason"] for one in found] == ["unreachable"] * 2


def test_prometheus_has_old_values_and_warns_of_those_it_lacks(old: Site, copy: Copy) -> None:
    start = BEGUN // SECOND
    asked = {"query": "vital_spo2_percent", "start": start + 61, "end": start + 3 * 86_400, "step": HOUR // SECOND}

    def answered() -> tuple[dict[str, int], list[str]]:
        body = old.get(f"{PROM}/query_range", params=asked).json()
        counts = {one["metric"]["patient"]: len(one["values"]) for one in body["data"]["result"]}
        return counts, body.get("warnings", [])

    assert answered() == ({"p-1": 24, "p-2": 48}, [])
    copy.away = True
    before = to_iso(BEGUN + 2 * DAY)
    warning = f"what was measured before {before} is kept in InfluxDB, which gives no answer now"
    assert answered() == ({"p-2": 24}, [warning])
