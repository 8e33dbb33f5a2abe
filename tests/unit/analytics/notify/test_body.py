"""What is written in a notice, and what never is."""

from __future__ import annotations

import json
from dataclasses import replace

from analytics.notify.body import STANDS_FOR, alertmanager_body, webhook_body, words
from tests.conformance.stores.given import T0, alert, follows, opened
from tests.unit.analytics.notify.given import DETAILS, notice
from vigil.domain.alerts import Condition, Priority, Step
from vigil.domain.times import to_iso


def test_the_webhook_body_is_that_of_alertmanager() -> None:
    body = json.loads(webhook_body(notice(), "hook", insecure=False))
    (one,) = body.pop("alerts")
    assert body == {
        "version": "4",
        "groupKey": '{}:{alert="a-1"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "hook",
        "groupLabels": {"alert": "a-1"},
        "commonLabels": one["labels"],
        "commonAnnotations": one["annotations"],
        "externalURL": "https://vigil.example",
    }
    assert one["labels"] == {
        "alertname": "limit.spo2.low",
        "alert": "a-1",
        "patient": "p-1",
        "rule": "limit.spo2.low",
        "kind": "physiological",
        "priority": "medium",
    }
    assert one["annotations"] == {
        "summary": "Oxygen saturation low",
        "description": "87 % for 15 s, limit 90 %",
        "step": "opened",
        "level": "0",
        "onset": to_iso(T0),
        "for": "Li Na",
        "notice": "d-0123456789abcdef01234567",
    }
    assert (one["status"], one["startsAt"], one["endsAt"]) == (
        "firing",
        to_iso(T0 + 15_000_000),
        "0001-01-01T00:00:00Z",
    )
    assert len(one["fingerprint"]) == 16


def test_an_alert_is_firing_until_a_person_or_the_life_cycle_has_closed_it() -> None:
    cleared = follows(alert(), Step.CLEARED, "ordinal:20:cleared", condition=Condition.FALSE, ended_at=T0 + 20)
    assert json.loads(webhook_body(notice(cleared), "hook", False))["status"] == "firing"
    after = replace(cleared.after, resolved_at=T0 + 90_000_000, resolved_reason="ended", updated_at=T0 + 90_000_000)
    resolved = follows(after, Step.RESOLVED, "command:1")
    body = json.loads(webhook_body(notice(resolved), "hook", False))
    assert (body["status"], body["alerts"][0]["endsAt"]) == ("resolved", to_iso(T0 + 90_000_000))


def test_for_alertmanager_an_open_alert_stands_and_its_old_labels_end() -> None:
    worse = follows(alert(), Step.WORSENED, "ordinal:30", priority=Priority.HIGH, updated_at=T0 + 60_000_000)
    same = replace(alert(), version=2, recurrence=1)
    now, old = json.loads(alertmanager_body(replace(notice(worse), earlier=(alert(), same)), insecure=False))
    assert (now["labels"]["priority"], now["endsAt"]) == ("high", to_iso(T0 + 60_000_000 + STANDS_FOR))
    assert (old["labels"]["priority"], old["endsAt"]) == ("medium", to_iso(T0 + 60_000_000))
    (only,) = json.loads(alertmanager_body(replace(notice(worse), earlier=(alert(),)), insecure=True))
    assert only["labels"] == {"alertname": "Vigil", "alert": "a-1"}


def test_an_insecure_channel_says_only_open_vigil() -> None:
    message = notice()
    written = [
        webhook_body(message, "hook", insecure=True).decode(),
        alertmanager_body(message, insecure=True).decode(),
        "\n".join(words(message, insecure=True)),
    ]
    for text in written:
        assert "Open Vigil" in text
        assert [detail for detail in DETAILS if detail in text] == []
    secure = webhook_body(message, "hook", insecure=False).decode() + "".join(words(message, insecure=False))
    assert [detail for detail in DETAILS if detail not in secure] == ["w-1"]


def test_a_nurses_note_goes_nowhere() -> None:
    noted = alert(note="Marker-Family's daughter rang", acknowledged_by="Li Na")
    line = replace(follows(noted, Step.ACKNOWLEDGED, "command:2"), note="Marker-Family's daughter rang")
    message = replace(notice(line), earlier=(noted,))
    for text in (webhook_body(message, "hook", False), alertmanager_body(message, False), *words(message, False)):
        assert "Marker" not in str(text)


def test_a_person_reads_what_where_since_when() -> None:
    subject, text = words(notice(), insecure=False)
    assert subject == "medium: Oxygen saturation low"
    assert text.splitlines() == [
        "87 % for 15 s, limit 90 %",
        f"Patient p-1, since {to_iso(T0)}.",
        f"State: firing, opened {to_iso(T0 + 15_000_000)}, level 0.",
        "Open Vigil: https://vigil.example",
        "",
        "Notice d-0123456789abcdef01234567. The same notice may come twice.",
    ]
    subject, text = words(notice(opened(alert(patient_id="", title="Store\nlost"))), insecure=False)
    assert (subject, text.splitlines()[1]) == ("medium: Store lost", f"The platform, since {to_iso(T0)}.")
