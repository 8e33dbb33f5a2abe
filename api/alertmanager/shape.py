"""Our alerts and snoozes in the words of Alertmanager; neither a patient's name nor what a nurse wrote is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from api.shape import Json, iso
from vigil.domain.alerts import Alert, labels_of
from vigil.domain.times import HOUR

#: Alertmanager knows receivers of notices; all of ours are one.
RECEIVER = "vigil"
#: Alertmanager's alerts end unless sent again. Ours end when Vigil says so: the end is always this far off.
STANDS_FOR = 24 * HOUR


def fingerprint(alert_id: str) -> str:
    return hashlib.blake2b(alert_id.encode(), digest_size=8).hexdigest()


def alert(alert: Alert, now: int) -> Json:
    """``suppressed``: snoozed, or carried by another alert. An alert without a patient is about the platform."""
    silenced = [alert.alert_id] if alert.snoozed_until is not None else []
    inhibited = [fingerprint(alert.suppressed_by)] if alert.suppressed_by else []
    return {
        "labels": {name: value for name, value in labels_of(alert).items() if value},
        "annotations": {
            "summary": alert.title,
            "description": alert.evidence.text,
            "condition": alert.condition.value,
            "handling": alert.handling.value,
            "level": str(alert.escalation_level),
            "onset": iso(alert.onset_at),
        },
        "startsAt": iso(alert.opened_at),
        "updatedAt": iso(alert.updated_at),
        "endsAt": iso(now + STANDS_FOR),
        "fingerprint": fingerprint(alert.alert_id),
        "generatorURL": "",
        "receivers": [{"name": RECEIVER}],
        "status": {
            "state": "suppressed" if silenced or inhibited else "active",
            "silencedBy": silenced,
            "inhibitedBy": inhibited,
        },
    }


def silence(alert: Alert, since: int) -> Json:
    """A snooze, by the id of its alert. ``since``: when it was last set, server time."""
    assert alert.snoozed_until is not None
    match = {"name": "alert", "value": alert.alert_id, "isRegex": False, "isEqual": True}
    return {
        "id": alert.alert_id,
        "createdBy": alert.snoozed_by,
        "comment": f"snoozed in Vigil, {alert.snoozes} in a row",
        "startsAt": iso(since),
        "endsAt": iso(alert.snoozed_until),
        "updatedAt": iso(since),
        "matchers": [match],
        "status": {"state": "active"},
    }


def groups(alerts: list[Json]) -> list[Json]:
    """One a patient."""
    found: dict[str, list[Json]] = {}
    for one in alerts:
        found.setdefault(one["labels"].get("patient", ""), []).append(one)
    return [
        {"labels": {"patient": patient} if patient else {}, "receiver": {"name": RECEIVER}, "alerts": own}
        for patient, own in sorted(found.items())
    ]


def state_wanted(one: Mapping[str, Json], active: bool, silenced: bool, inhibited: bool) -> bool:
    """As Alertmanager: an alert is left out for any of its states that is not wanted."""
    status = one["status"]
    if not active and status["state"] == "active":
        return False
    return (silenced or not status["silencedBy"]) and (inhibited or not status["inhibitedBy"])
