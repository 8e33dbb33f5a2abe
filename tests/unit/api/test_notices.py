"""What became of an alert's notices, as the page reads it; the person's word that he has seen it."""

from __future__ import annotations

import pytest

from api.deps import Check
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Transition
from vigil.domain.deliveries import APP, Attempt, State, Target
from vigil.domain.lifecycle import Acknowledge, Stamp, apply
from vigil.domain.phrases import phrase
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import to_iso


@pytest.fixture
def line(site: Site) -> Transition:
    """An alert that was returned to the list: its last line calls two persons by the page and one by a webhook."""
    site.admit("p-1", "w-1")
    alert = site.raise_alert("p-1")
    taken = apply(alert, Acknowledge(Stamp("command:0", START, "Wang"), 1), DEFAULT_POLICY)
    assert taken is not None
    recorded = site.records.record(taken, [Target(APP, "Li Na"), Target(APP, "Zhou"), Target("hook", "Li Na")])
    assert recorded is not None
    return recorded


def test_each_way_with_its_tries(site: Site, line: Transition) -> None:
    alert_id = line.after.alert_id
    hook = site.records.deliveries(alert_id)[2]
    site.records.attempted(
        Attempt(hook.delivery_id, START + 1_000_000, State.QUEUED, "answered 500", START + 2_000_000)
    )
    items = site.get(f"/api/v1/alerts/{alert_id}/deliveries").json()["items"]
    assert [(one["channel"], one["person"], one["state"]) for one in items] == [
        (APP, "Li Na", "sent"),
        (APP, "Zhou", "sent"),
        ("hook", "Li Na", "queued"),
    ]
    assert items[2] == {
        "id": hook.delivery_id,
        "seq": line.seq,
        "step": "acknowledged",
        "channel": "hook",
        "person": "Li Na",
        "state": "queued",
        "why": "answered 500",
        "next_at": to_iso(START + 2_000_000),
        "queued_at": to_iso(START),
        "sent_at": None,
        "delivered_at": None,
        "seen_at": None,
        "accepted_at": None,
        "attempts": [
            {
                "at": to_iso(START + 1_000_000),
                "state": "queued",
                "why": "answered 500",
                "next_at": to_iso(START + 2_000_000),
            }
        ],
    }
    assert (items[0]["sent_at"], items[0]["seen_at"], items[0]["attempts"]) == (to_iso(START), None, [])


def test_seen_is_for_the_one_who_says_so(site: Site, line: Transition) -> None:
    path = f"/api/v1/alerts/{line.after.alert_id}"
    site.clock.advance(5)
    items = site.post(f"{path}/seen", None).json()["items"]
    assert [(one["person"], one["channel"], one["state"], one["seen_at"]) for one in items] == [
        ("Li Na", APP, "seen", to_iso(START + 5_000_000)),
        ("Zhou", APP, "sent", None),
        ("Li Na", "hook", "queued", None),
    ]
    site.clock.advance(5)
    assert site.post(f"{path}/seen", None).json()["items"] == items
    assert site.get(f"{path}/deliveries", "auditor").json()["items"] == items


def test_an_alert_that_is_not_there(site: Site) -> None:
    assert site.get("/api/v1/alerts/a-9/deliveries").status_code == 404
    assert site.post("/api/v1/alerts/a-9/seen", None).status_code == 404


def test_readiness_does_not_hang_on_a_channel(site: Site) -> None:
    trouble = [phrase("check.channels.trouble", channel="hook", why="answered 500")]
    broken = site.given(checks={"channels": lambda: Check(False, trouble, needed=False)})
    reasons = broken.get("/readyz", None).json()["reasons"]
    assert not any(reason.startswith("channels") for reason in reasons)
    checks = {one["name"]: one for one in broken.get("/api/v1/health", "admin").json()["checks"]}
    assert checks["channels"] == {
        "name": "channels",
        "ok": False,
        "detail": "hook: answered 500",
        "zh": {"detail": "渠道 hook 异常：answered 500"},
    }
