"""Feedback: who may say what of which alert, and where it is read."""

from __future__ import annotations

import pytest

from tests.unit.api.site import Site
from vigil.domain.alerts import Alert, Priority
from vigil.domain.lifecycle import Ended, Stamp
from vigil.domain.times import to_iso


@pytest.fixture
def alert(site: Site) -> Alert:
    site.admit("p-1", "w-1")
    return site.raise_alert("p-1")


def path(alert: Alert) -> str:
    return f"/api/v1/alerts/{alert.alert_id}/feedback"


def test_a_word_is_kept_and_shown_with_the_alert(site: Site, alert: Alert) -> None:
    given = site.post(path(alert), {"verdict": "wrong_limit", "note": "88 % is usual"})
    assert given.status_code == 200
    word = {
        "verdict": "wrong_limit",
        "person": "Li Na",
        "at": to_iso(site.clock.now_us()),
        "note": "88 % is usual",
        "counts": True,
    }
    assert given.json() == {"verdict": "wrong_limit", "items": [word]}
    shown = site.get(f"/api/v1/alerts/{alert.alert_id}").json()
    assert shown["feedback"] == given.json()
    assert shown["version"] == 1, "what people say changes nothing of the alert"


def test_the_newest_word_of_a_person_counts_and_the_history_stays(site: Site, alert: Alert) -> None:
    site.post(path(alert), {"verdict": "artefact"})
    site.clock.advance(60)
    site.post(path(alert), {"verdict": "useful"}, name="Wang")
    after = site.post(path(alert), {"verdict": "not_useful"}).json()
    assert [(one["person"], one["verdict"], one["counts"]) for one in after["items"]] == [
        ("Li Na", "artefact", False),
        ("Wang", "useful", True),
        ("Li Na", "not_useful", True),
    ]
    assert after["verdict"] == "not_useful"
    assert site.post(path(alert), {"verdict": "not_useful"}).json() == after


def test_a_resolved_alert_takes_feedback_too(site: Site) -> None:
    site.admit("p-1", "w-1")
    over = site.raise_alert("p-1", priority=Priority.LOW)
    now = site.clock.now_us()
    assert not site.happen(over, Ended(Stamp("ordinal:9", now), now)).after.open
    assert site.post(path(over), {"verdict": "useful"}).status_code == 200


def test_an_alert_that_nobody_knows_gives_404(site: Site) -> None:
    assert site.post("/api/v1/alerts/a-unknown/feedback", {"verdict": "useful"}).status_code == 404


def test_the_self_test_takes_none(site: Site) -> None:
    test = site.raise_alert("self-test.up")
    answer = site.post(path(test), {"verdict": "useful"})
    assert answer.status_code == 422
    assert "self-test" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [{}, {"verdict": "true"}, {"verdict": "useful", "note": "x" * 2001}, {"verdict": "useful", "by": "Wang"}]
)
def test_a_body_that_does_not_fit_is_refused(site: Site, alert: Alert, body: dict[str, str]) -> None:
    assert site.post(path(alert), body).status_code == 422
    assert site.records.feedback(alert.alert_id) == []


def test_a_note_is_read_only_by_those_who_may_see_names(site: Site, alert: Alert) -> None:
    site.post(path(alert), {"verdict": "useful", "note": "told Marker-Family's daughter"})
    for role, note in (("clinician", "told Marker-Family's daughter"), ("research", ""), ("auditor", "")):
        (one,) = site.get(f"/api/v1/alerts/{alert.alert_id}", role).json()["feedback"]["items"]
        assert (one["verdict"], one["note"]) == ("useful", note)
    assert site.post(path(alert), {"verdict": "useful"}, "auditor").status_code == 403
