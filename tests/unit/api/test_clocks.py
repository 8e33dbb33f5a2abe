"""A device's clock as a technician sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.routes.clocks import words
from tests.unit.api.site import START, Site
from vigil.domain.device_clock import ClockState, DeviceClock
from vigil.domain.people import Device
from vigil.domain.times import to_iso

KNOWN = DeviceClock(
    state=ClockState.CORRECTED,
    corrected=True,
    offset_s=-3600.2,
    uncertainty_s=0.31,
    drift_ppm=50.04,
    drift_uncertainty_ppm=6.2,
    since_at=START,
    packs=4210,
    samples=29,
    least_lag_s=3600.1,
    jumps=1,
    jumped_at=START,
)
NEVER = replace(KNOWN, state=ClockState.NEVER_SET)
UNKNOWN = replace(KNOWN, state=ClockState.UNKNOWN, corrected=False, offset_s=None, uncertainty_s=None)


def test_a_clock_that_is_corrected(site: Site) -> None:
    site.records.put_device(Device("w-1", "patch-2"))
    answer = site.given(clocks={"w-1": KNOWN}.get).get("/api/v1/devices/w-1/clock", "technician").json()
    assert answer == {
        "device_id": "w-1",
        "state": "corrected",
        "corrected": True,
        "offset_s": -3600.2,
        "uncertainty_s": 0.31,
        "drift_ppm": 50.0,
        "drift_uncertainty_ppm": 6.2,
        "least_lag_s": 3600.1,
        "since_at": to_iso(START),
        "packs": 4210,
        "samples": 29,
        "jumps": 1,
        "jumped_at": to_iso(START),
        "words": "The clock is 1 h 0 min behind, give or take 0.3 s. New values are moved by that and marked; the time that the "
        "device sent is kept. That is a whole number of quarter hours: the device may send its local time as if it were UTC.",
    }


def test_a_device_that_was_not_heard_and_one_that_is_not_there(site: Site) -> None:
    site.records.put_device(Device("w-1", "patch-2"))
    answer = site.get("/api/v1/devices/w-1/clock", "technician").json()
    assert (answer["state"], answer["offset_s"], answer["packs"]) == ("unknown", None, 0)
    assert "Nothing live was heard" in answer["words"]
    assert site.get("/api/v1/devices/w-2/clock", "technician").status_code == 404


@pytest.mark.parametrize(
    ("clock", "said", "not_said"),
    [
        (replace(KNOWN, offset_s=90.0), "1 min 30 s ahead", "local time"),
        (replace(KNOWN, offset_s=20_700.0), "5 h 45 min ahead", "refused"),  # Nepal
        (replace(KNOWN, offset_s=20_700.0), "local time as if it were UTC", "refused"),
        (replace(KNOWN, offset_s=86_400.0), "1 d 0 h ahead", "local time"),
        (replace(KNOWN, state=ClockState.SET, corrected=False, offset_s=-1.2), "right: 1.2 s behind", "moved"),
        (replace(KNOWN, state=ClockState.JUMPED), "jumped", "local time"),
        (NEVER, "true time", "dead letters"),
        (replace(NEVER, corrected=False), "dead letters", "true time"),
        (UNKNOWN, "late, or the clock is behind", "Too little"),
        (replace(UNKNOWN, least_lag_s=0.1), "Too little was heard", "late"),
    ],
)
def test_the_words_say_what_is_known_and_what_is_done(clock: DeviceClock, said: str, not_said: str) -> None:
    assert said in words(clock)
    assert not_said not in words(clock)
