"""How an alert came to somebody: each step has its time, or says why it has none."""

from __future__ import annotations

from typing import Any

import pytest

from api.alert_path import Why
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.deliveries import APP, Attempt, State, Target
from vigil.domain.lifecycle import Acknowledge, Assign, Began, Ended, Finding, Stamp, Worsened, apply
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import SECOND, to_iso

VALUE = {"vital": "spo2", "value": 84.0, "measured_at": START - 2 * SECOND, "received_at": START - SECOND}


def finding(evidence: Evidence, priority: Priority = Priority.MEDIUM, kind: Kind = Kind.PHYSIOLOGICAL) -> Finding:
    return Finding("p-1", "r", kind, priority, "SpO2 low", evidence, START)


def opened(site: Site, evidence: Evidence, *targets: Target) -> Alert:
    """Decided now; calls ``targets``."""
    return told(site, None, Began(Stamp("ordinal:1", site.clock.now_us()), finding(evidence)), *targets)


def told(site: Site, alert: Alert | None, event: Any, *targets: Target) -> Alert:
    line = apply(alert, event, DEFAULT_POLICY)
    assert line is not None
    recorded = site.records.record(line, targets)
    assert recorded is not None
    return recorded.after


def stamp(site: Site, who: str = "vigil") -> Stamp:
    """One second later."""
    site.clock.advance(1)
    return Stamp(f"command:{site.clock.now_us()}", site.clock.now_us(), who)


def steps(site: Site, alert: Alert) -> dict[str, Any]:
    """Seconds from ``START`` on, or why there is no time."""
    found = site.get(f"/api/v1/alerts/{alert.alert_id}").json()["path"]
    times = {to_iso(START + n * SECOND): n for n in range(-9, 10)}
    assert all((one["at"] is None) == (one["why"] in list(Why)) for one in found)
    return {one["step"]: times.get(one["at"], one["at"]) or one["why"] or 0 for one in found}


def test_from_the_value_to_who_has_it(site: Site) -> None:
    site.admit("p-1")
    alert = opened(site, Evidence("low", (VALUE,)), Target(APP, "Li Na"), Target("hook", "Zhou"))
    before = {"measured": -2, "received": -1, "decided": 0, "sent": 0}
    assert steps(site, alert) == {**before, "seen": "not_yet", "accepted": "not_yet"}
    site.clock.advance(3)
    site.post(f"/api/v1/alerts/{alert.alert_id}/seen", None)
    assert steps(site, alert) == {**before, "seen": 3, "accepted": "not_yet"}
    alert = told(site, alert, Acknowledge(stamp(site, "Li Na"), alert.version))
    assert steps(site, alert) == {**before, "seen": 3, "accepted": 4}
    alert = told(site, alert, Assign(stamp(site, "Li Na"), alert.version, "Zhou"), Target(APP, "Zhou"))
    assert steps(site, alert)["accepted"] == "not_yet"  # asked is not taken


def test_what_got_worse_begins_anew(site: Site) -> None:
    site.admit("p-1")
    alert = opened(site, Evidence("low", (VALUE,)), Target(APP, "Li Na"))
    site.post(f"/api/v1/alerts/{alert.alert_id}/seen", None)
    worse = {**VALUE, "measured_at": START, "received_at": START + SECOND}
    event = Worsened(stamp(site), finding(Evidence("very low", (worse,)), Priority.HIGH))
    alert = told(site, alert, event, Target(APP, "Li Na"))
    assert steps(site, alert) == {
        "measured": 0,
        "received": 1,
        "decided": 1,
        "sent": 1,
        "seen": "not_yet",
        "accepted": "not_yet",
    }


def score(*parts: tuple[str, int | None, int | None]) -> Evidence:
    names = ("name", "points", "measured_at")
    return Evidence("NEWS2 is 7.", score={"parts": [dict(zip(names, one, strict=True)) for one in parts]})


@pytest.mark.parametrize(("vital", "part"), [("resp_rate", "resp_rate"), ("fio2", "oxygen")])
def test_the_input_of_a_score_was_received_when_the_store_says(vital: str, part: str, site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2", "w-2")
    for device in ("w-1", "w-2"):
        site.store(device, vital, [25.0], start=START + SECOND)
    alert = opened(site, score(("spo2", 3, START), ("heart_rate", 0, START + 5), (part, 2, START + SECOND)))
    found = steps(site, alert)
    assert (found["measured"], found["received"]) == (1, to_iso(START + SECOND + 120_000))
    assert (found["sent"], found["seen"], found["accepted"]) == ("none", "none", "not_yet")


def test_what_is_not_known_is_said_to_be_so(site: Site) -> None:
    site.admit("p-1", "w-1")
    alert = opened(site, score(("resp_rate", 3, START), ("spo2", None, None)), Target("hook", "Zhou"))
    assert steps(site, alert)["received"] == "unknown"  # no such reading is stored here
    assert steps(site, alert)["sent"] == "not_yet"
    (notice,) = site.records.deliveries(alert.alert_id)
    site.records.attempted(Attempt(notice.delivery_id, START, State.FAILED, "answered 410"))
    assert steps(site, alert)["sent"] == "failed"
    alert = told(site, alert, Acknowledge(stamp(site, "Zhou"), alert.version))
    assert (steps(site, alert)["seen"], steps(site, alert)["accepted"]) == ("unknown", 1)


def test_an_alert_about_no_value_that_nobody_took(site: Site) -> None:
    site.admit("p-1")
    silent = finding(Evidence("No data."), Priority.LOW, Kind.TECHNICAL)
    alert = told(site, None, Began(Stamp("ordinal:1", START), silent))
    alert = told(site, alert, Ended(stamp(site), site.clock.now_us()))
    assert not alert.open
    assert steps(site, alert) == {
        "measured": "none",
        "received": "none",
        "decided": 0,
        "sent": "none",
        "seen": "none",
        "accepted": "none",
    }
