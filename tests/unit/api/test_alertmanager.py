"""Alertmanager's API v2: which alerts are listed in which state, by which matchers, and nothing that a nurse wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.notify.body import labels as labels_sent
from api.alertmanager.filters import parsed
from api.errors import Problem
from tests.unit.api.site import START, Site
from vigil.domain.alerts import Alert, Kind, Priority
from vigil.domain.lifecycle import Ended, Snooze, Stamp, Suppress
from vigil.domain.times import HOUR, MINUTE, to_iso

API = "/alertmanager/api/v2"


@pytest.fixture
def three(site: Site) -> list[Alert]:
    """One that calls, one that is snoozed, one that another carries."""
    site.admit("p-1", "w-1")
    site.admit("p-2")
    first = site.raise_alert("p-1", priority=Priority.HIGH)
    second = site.raise_alert("p-2", "missing.device", Priority.LOW, Kind.TECHNICAL)
    third = site.raise_alert("p-1", "rate.spo2")
    site.clock.advance(30)
    stamp = Stamp("command:c-1", site.clock.now_us(), "Li Na")
    snooze = Snooze(stamp, 1, site.clock.now_us() + HOUR, "waits for Marker-Given's daughter")
    second = site.happen(second, snooze).after
    overlay = Stamp(f"overlay:{first.alert_id}:1", site.clock.now_us())
    third = site.happen(third, Suppress(overlay, first.alert_id)).after
    return [first, second, third]


def listed(site: Site, query: str = "") -> list[Any]:
    answer = site.get(f"{API}/alerts{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_an_alert_in_the_words_of_alertmanager(site: Site, three: list[Alert]) -> None:
    first = next(one for one in listed(site) if one["labels"]["alert"] == three[0].alert_id)
    assert first["labels"] == {
        "alertname": "limit.spo2.low",
        "alert": three[0].alert_id,
        "patient": "p-1",
        "rule": "limit.spo2.low",
        "kind": "physiological",
        "priority": "high",
    }
    assert first["annotations"]["description"] == "SpO2 84 %, below 90 % for 15 s."
    assert first["startsAt"] == to_iso(START)
    assert first["endsAt"] > to_iso(site.clock.now_us())
    assert first["receivers"] == [{"name": "vigil"}]
    assert first["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": []}


def test_the_labels_are_those_of_our_notices(site: Site, three: list[Alert]) -> None:
    """Or an Alertmanager that gets our notices, and a page that reads this list, would show two alerts for one."""
    answered = {one["labels"]["alert"]: one["labels"] for one in listed(site)}
    for alert in three:
        assert answered[alert.alert_id] == labels_sent(alert, insecure=False)


def test_snoozed_and_carried_alerts_are_suppressed(site: Site, three: list[Alert]) -> None:
    states = {one["labels"]["alert"]: one["status"] for one in listed(site)}
    prints = {one["labels"]["alert"]: one["fingerprint"] for one in listed(site)}
    first, second, third = (one.alert_id for one in three)
    assert states[second] == {"state": "suppressed", "silencedBy": [second], "inhibitedBy": []}
    assert states[third] == {"state": "suppressed", "silencedBy": [], "inhibitedBy": [prints[first]]}


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", {0, 1, 2}),
        ("?silenced=false&inhibited=false", {0}),
        ("?active=false", {1, 2}),
        ("?active=false&silenced=false", {2}),
        ("?unprocessed=true&inhibited=false", {0, 1}),
        ('?filter=patient="p-1"', {0, 2}),
        ("?filter=patient=p-1&filter=priority=high", {0}),
        ('?filter=priority!~"low|medium"', {0}),
        ("?filter={rule=~.*spo2.*}", {0, 2}),
        ('?filter=rule=~"spo2"', set()),
        ("?filter=nothing!=x", {0, 1, 2}),
        ('?filter=patient="p-1\\" or 1=1"', set()),
        ("?receiver=vigil", {0, 1, 2}),
        ("?receiver=v.*", {0, 1, 2}),
        ("?receiver=pager", set()),
    ],
)
def test_the_list_can_be_narrowed(site: Site, three: list[Alert], query: str, places: set[int]) -> None:
    assert {one["labels"]["alert"] for one in listed(site, query)} == {three[place].alert_id for place in places}


@pytest.mark.parametrize(
    "query",
    ["?filter=patient", '?filter=a="b', "?filter=a=~(", "?filter==x", "?receiver=(", "?filter=" + "a=b&filter=" * 51],
)
def test_matchers_that_cannot_be_read(site: Site, query: str) -> None:
    answer = site.get(f"{API}/alerts{query}")
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


@given(st.text(max_size=40))
def test_any_matcher_is_read_or_refused(text: str) -> None:
    try:
        parsed([text])
    except Problem as refusal:
        assert refusal.status_code == 400  # noqa: PT017 - both ways are right


def test_groups_are_patients(site: Site, three: list[Alert]) -> None:
    groups = site.get(f"{API}/alerts/groups").json()
    assert [(one["labels"], len(one["alerts"]), one["receiver"]) for one in groups] == [
        ({"patient": "p-1"}, 2, {"name": "vigil"}),
        ({"patient": "p-2"}, 1, {"name": "vigil"}),
    ]


def test_a_resolved_alert_is_gone(site: Site, three: list[Alert]) -> None:
    site.happen(three[0], Ended(Stamp("ordinal:50", site.clock.now_us()), site.clock.now_us()))
    left = {one["labels"]["alert"] for one in listed(site)}
    assert (three[0].alert_id in left) is site.records.alert(three[0].alert_id).open


def test_snoozes_are_silences(site: Site, three: list[Alert]) -> None:
    alert_id = three[1].alert_id
    (silence,) = site.get(f"{API}/silences").json()
    assert silence == {
        "id": alert_id,
        "createdBy": "Li Na",
        "comment": "snoozed in Vigil, 1 in a row",
        "startsAt": to_iso(START + MINUTE // 2),
        "updatedAt": to_iso(START + MINUTE // 2),
        "endsAt": to_iso(START + MINUTE // 2 + HOUR),
        "matchers": [{"name": "alert", "value": alert_id, "isRegex": False, "isEqual": True}],
        "status": {"state": "active"},
    }
    assert site.get(f"{API}/silence/{alert_id}").json() == silence
    assert site.get(f"{API}/silence/{three[0].alert_id}").status_code == 404
    assert site.get(f"{API}/silences?filter=alert={alert_id}").json() == [silence]
    assert site.get(f"{API}/silences?filter=alert=other").json() == []


def test_nothing_can_be_written(site: Site) -> None:
    for method, path in (("POST", "alerts"), ("POST", "silences"), ("DELETE", "silence/x")):
        assert site.call(method, f"{API}/{path}", "admin", json=[]).status_code == 405


def test_status_and_receivers(site: Site) -> None:
    status = site.get(f"{API}/status").json()
    site.clock.advance(60)
    assert (status["uptime"], status["cluster"]) == (to_iso(START), {"status": "disabled", "peers": []})
    assert set(status["versionInfo"]) == {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}
    assert site.get(f"{API}/receivers").json() == [{"name": "vigil"}]


def test_no_name_is_in_any_answer(site: Site, three: list[Alert]) -> None:
    for path in ("alerts", "alerts/groups", "silences", "status", "receivers"):
        assert "Marker" not in json.dumps(site.get(f"{API}/{path}", "admin").json()), path


def test_all_below_is_locked(site: Site) -> None:
    for path in (f"{API}/alerts", "/alertmanager/nothing"):
        assert site.get(path, None).status_code == 401
    assert site.get(f"{API}/alerts", "technician").status_code == 403
