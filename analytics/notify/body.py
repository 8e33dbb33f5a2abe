"""What is written in a notice: Alertmanager's JSON for programs, a few sentences for people.

A channel marked insecure gets no clinical detail: neither patient, rule, kind nor priority, only "open Vigil". No notice at all
holds a patient's name or a nurse's note.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from analytics.notify.channel import Message
from vigil.domain.alerts import Alert, Transition, labels_of
from vigil.domain.times import HOUR, to_iso

OPEN_VIGIL = "Open Vigil"
#: Alertmanager takes an alert for resolved that has no end and is not sent again; ours end when Vigil says so, or after this
#: long without a word from Vigil.
STANDS_FOR = 24 * HOUR
#: What Alertmanager writes for "has not ended".
_NOT_ENDED = "0001-01-01T00:00:00Z"


def labels(alert: Alert, insecure: bool) -> dict[str, str]:
    """What identifies the alert to a program: Alertmanager takes the same labels for the same alert."""
    if insecure:
        return {"alertname": "Vigil", "alert": alert.alert_id}
    return labels_of(alert)


def annotated(message: Message, insecure: bool) -> dict[str, str]:
    """What a person reads. ``for``: whom the notice calls."""
    about = {"for": message.delivery.person, "notice": message.delivery.delivery_id}
    if insecure:
        return {"summary": OPEN_VIGIL, **about}
    alert = message.line.after
    return {
        "summary": alert.title,
        "description": alert.evidence.text,
        "step": message.line.step.value,
        "level": str(alert.escalation_level),
        "onset": to_iso(alert.onset_at),
        **about,
    }


def webhook_body(message: Message, receiver: str, insecure: bool) -> bytes:
    """Version "4" of Alertmanager's webhook body, one alert in it; the same bytes for each try."""
    line, shown = message.line, labels(message.line.after, insecure)
    words = annotated(message, insecure)
    alert = {**_alert(line, shown, words, message.page), "status": _status(line.after)}
    alert["endsAt"] = _NOT_ENDED if line.after.open else to_iso(line.at)
    alert["fingerprint"] = hashlib.blake2b(line.after.alert_id.encode(), digest_size=8).hexdigest()
    group = {"alert": line.after.alert_id}
    return _json(
        {
            "version": "4",
            "groupKey": f'{{}}:{{alert="{line.after.alert_id}"}}',
            "truncatedAlerts": 0,
            "status": _status(line.after),
            "receiver": receiver,
            "groupLabels": group,
            "commonLabels": shown,
            "commonAnnotations": words,
            "externalURL": message.page,
            "alerts": [alert],
        }
    )


def alertmanager_body(message: Message, insecure: bool) -> bytes:
    """For ``POST /api/v2/alerts``: the alert as it is, and as resolved what was sent of it before under other labels (it had
    another priority, say), which Alertmanager would show as a second alert."""
    line, shown = message.line, labels(message.line.after, insecure)
    ends = line.at + STANDS_FOR if line.after.open else line.at
    now = {**_alert(line, shown, annotated(message, insecure), message.page), "endsAt": to_iso(ends)}
    before = {tuple(labels(alert, insecure).items()) for alert in message.earlier} - {tuple(shown.items())}
    gone = [{"labels": dict(one), "startsAt": now["startsAt"], "endsAt": to_iso(line.at)} for one in sorted(before)]
    return _json([now, *gone])


def words(message: Message, insecure: bool) -> tuple[str, str]:
    """Subject and text of a mail or chat message."""
    link = f"{OPEN_VIGIL}: {message.page}" if message.page else OPEN_VIGIL
    notice = f"Notice {message.delivery.delivery_id}. The same notice may come twice."
    if insecure:
        return OPEN_VIGIL, f"{link}\n\n{notice}\n"
    line, alert = message.line, message.line.after
    state = f"{_status(alert)}, {line.step.value} {to_iso(line.at)}, level {alert.escalation_level}"
    about = f"Patient {alert.patient_id}" if alert.patient_id else "The platform"
    text = [alert.evidence.text, f"{about}, since {to_iso(alert.onset_at)}.", f"State: {state}.", link, "", notice]
    return " ".join(f"{alert.priority.value}: {alert.title}".split()), "\n".join(text) + "\n"


def _alert(line: Transition, shown: Mapping[str, str], words: Mapping[str, str], page: str) -> dict[str, Any]:
    return {
        "labels": dict(shown),
        "annotations": dict(words),
        "startsAt": to_iso(line.after.opened_at),
        "generatorURL": page,
    }


def _status(alert: Alert) -> str:
    return "firing" if alert.open else "resolved"


def _json(content: Mapping[str, Any] | Sequence[Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
