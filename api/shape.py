"""Domain nouns as JSON-ready dictionaries, one function a noun. No NaN ever leaves: it becomes null.

The same shapes go into answers (checked against ``api.schema``) and into the event stream.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from typing import Any

from vigil.domain import phrases
from vigil.domain.alerts import Alert, Evidence, Transition
from vigil.domain.calls import Call, call_of
from vigil.domain.errors import REASON_TEXT, RefusalReason
from vigil.domain.events import VIGIL
from vigil.domain.feedback import Feedback, verdict
from vigil.domain.other_scores import OtherScore
from vigil.domain.people import Patient
from vigil.domain.quality import Quality
from vigil.domain.readings import I64
from vigil.domain.risk import Prediction
from vigil.domain.risk_facts import ModelFacts
from vigil.domain.risk_words import label, likelihood
from vigil.domain.scores import Coverage, Score
from vigil.domain.times import SECOND, from_iso, to_iso
from vigil.domain.vitals import BY_NAME, VITALS, VitalKind
from vigil.store import DeadLetter

Json = dict[str, Any]

#: A person older than this is shown as this old to roles without names (45 CFR 164.514(b)(2)(i)(C) groups ages over 89).
OLDEST_SHOWN = 90


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return to_iso(second * SECOND)[:-4]


def iso(us: int) -> str:
    """As ``to_iso``, quicker where many values share a second."""
    second, rest = divmod(us, SECOND)
    return f"{_second(second)}{rest // 1000:03d}Z"


def iso_or_none(us: int | None) -> str | None:
    return None if us is None else iso(us)


def moment(text: str) -> int:
    """Microseconds of a time in a query, where an unescaped ``+`` has become a space. Raises ``ValueError``."""
    return from_iso(text.strip().replace(" ", "+"))


def number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def reading_value(kind: VitalKind, value: float) -> float | str | None:
    """In the vital's digits; a code as its letter."""
    if not math.isfinite(value):
        return None
    if kind.codes:
        place = int(value)
        return kind.codes[place] if 0 <= place < len(kind.codes) else None
    return kind.rounded(value)


@lru_cache(maxsize=4096)
def quality_words(quality: int) -> tuple[str, ...]:
    """Lower-case names of the bits that are set.

    >>> quality_words(3)
    ('motion', 'low_perfusion')
    """
    return tuple((bit.name or "").lower() for bit in Quality if bit and quality & bit)


def doubtful(quality: int) -> bool:
    """Shown with ``~``: any bit is set but the one that says a person typed it."""
    return bool(quality & ~int(Quality.MANUAL))


def _plain(content: Any) -> Any:
    """Evidence is free-form: times (keys ending in ``_at``, microseconds) become text, NaN becomes null."""
    if isinstance(content, Mapping):
        return {
            str(key): iso(value) if str(key).endswith("_at") and isinstance(value, int) else _plain(value)
            for key, value in content.items()
        }
    if isinstance(content, (list, tuple)):
        return [_plain(item) for item in content]
    if isinstance(content, float):
        return number(content)
    return content


def score(score: Score) -> Json:
    parts = [
        {
            "name": part.name,
            "value": number(part.value) if isinstance(part.value, float) else part.value,
            "points": part.points,
            "measured_at": iso_or_none(part.measured_at),
            "age_s": None if part.age_s is None else round(part.age_s, 1),
            "stale": part.stale,
        }
        for part in score.parts
    ]
    return {
        "name": score.name,
        "at": iso(score.at),
        "status": score.status.value,
        "total": score.total,
        "lower": score.lower,
        "upper": score.upper,
        "band": score.band.value if score.band else None,
        "single_3": score.single_3,
        "parts": parts,
        "missing": list(score.missing),
        "why": score.why,
        "zh": _in_chinese("why", score.said),
    }


def other_score(other: OtherScore) -> Json:
    oldest = None if other.oldest_s is None else round(other.oldest_s, 1)
    row = {name: getattr(other, name) for name in ("name", "value", "lower", "upper", "raised", "note")}
    return {**row, "status": other.status.value, "missing": list(other.missing), "oldest_s": oldest}


def prediction(prediction: Prediction) -> Json:
    inputs = [
        {
            "vital": one.vital,
            "value": number(one.value),
            "unit": BY_NAME[one.vital].display_unit if one.vital in BY_NAME else "",
            "measured_at": iso(one.measured_at),
            "age_s": number(round(one.age_s, 1)),
        }
        for one in prediction.inputs
    ]
    names = ("model", "version", "position", "probability", "low", "high", "alert", "abstained")
    return {
        **{name: getattr(prediction, name) for name in names},
        "label": label(prediction.model),
        "state": prediction.state.value,
        "at": iso(prediction.at),
        "decided_at": iso(prediction.decided_at),
        "source": prediction.source.value,
        "words": likelihood(prediction),
        "contributions": [
            {
                "group": one.group,
                "log_odds": round(one.log_odds, 3),
                "text": one.text,
                "zh": _in_chinese("text", one.said),
            }
            for one in prediction.contributions
        ],
        "inputs": inputs,
    }


def _in_chinese(name: str, said: phrases.Phrase | None) -> Json | None:
    text = None if said is None else phrases.chinese_text([said])
    return None if text is None else {name: text}


def model_facts(facts: ModelFacts) -> Json:
    plain: Json = _plain(asdict(facts))
    return {**plain, "state": facts.state.value}


def coverage(coverage: Coverage) -> Json:
    return {
        "state": coverage.state.value,
        "since_at": iso(coverage.since),
        "why": coverage.why,
        "zh": _in_chinese("why", coverage.said),
        "until_at": iso_or_none(coverage.until),
    }


def evidence(evidence: Evidence) -> Json:
    return {
        "values": _plain(evidence.values),
        "limit": _plain(evidence.limit),
        "score": _plain(evidence.score),
        "policy_version": evidence.policy_version,
    }


def state_of(alert: Alert) -> str:
    return "resolved" if not alert.open else "cleared" if alert.cleared else "active"


def chinese(alert: Alert) -> Json | None:
    """The server's own words in Chinese, for the page; null where an older Vigil kept nothing but the English."""
    said = phrases.chinese(alert)
    return None if said is None else {"title": said.title, "text": said.text}


def alert(alert: Alert, names: bool, call: Call | None = None) -> Json:
    """``names`` False leaves out the nurse's note and reason, which may hold a name. ``call``: of its newest line that asked for
    somebody."""
    return {
        "id": alert.alert_id,
        "patient_id": alert.patient_id,
        "rule": alert.rule,
        "kind": alert.kind.value,
        "priority": alert.priority.value,
        "peak_priority": alert.peak_priority.value,
        "condition": alert.condition.value,
        "handling": alert.handling.value,
        "state": state_of(alert),
        "title": alert.title,
        "text": alert.evidence.text,
        "zh": chinese(alert),
        "onset_at": iso(alert.onset_at),
        "opened_at": iso(alert.opened_at),
        "updated_at": iso(alert.updated_at),
        "ended_at": iso_or_none(alert.ended_at),
        "retrospective": alert.retrospective,
        "amended": phrases.amended(alert),
        "recurrence": alert.recurrence,
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_at": iso_or_none(alert.acknowledged_at),
        "note": alert.note if names else "",
        "deadline_at": iso_or_none(alert.deadline_at),
        "escalation_level": alert.escalation_level,
        "resolved_at": iso_or_none(alert.resolved_at),
        "resolved_reason": alert.resolved_reason,
        "snoozed_until": iso_or_none(alert.snoozed_until),
        "snoozed_by": alert.snoozed_by,
        "snooze_reason": alert.snooze_reason if names else "",
        "snoozes": alert.snoozes,
        "suppressed_by": alert.suppressed_by,
        "held_until": iso_or_none(alert.held_until),
        "owner": alert.owner,
        "accept_by": iso_or_none(alert.accept_by),
        "call": _call(call),
        "version": alert.version,
        "device_id": alert.device_id,
        "evidence": evidence(alert.evidence),
    }


def _call(call: Call | None) -> Json | None:
    if call is None:
        return None
    return {"how": call.how.value, "why": call.why, "by": call.by, "zh": _in_chinese("why", call.said)}


def _own_note(line: Transition) -> Json | None:
    """What a person wrote stays as it is."""
    known = phrases.CHINESE_WORDS.get(line.note) if line.actor == VIGIL else None
    return None if known is None else {"note": known}


def transition(transition: Transition, names: bool) -> Json:
    """One line of an alert's history: what changed, who, when, whom it called; the alert itself is not repeated."""
    return {
        "seq": transition.seq,
        "step": transition.step.value,
        "cause": transition.cause,
        "actor": transition.actor,
        "at": iso(transition.at),
        "measured_at": iso_or_none(transition.measured_at),
        "note": transition.note if names else "",
        "zh": _own_note(transition),
        "priority": transition.after.priority.value,
        "condition": transition.after.condition.value,
        "handling": transition.after.handling.value,
        "version": transition.after.version,
        "call": _call(call_of(transition)),
        "detail": _plain(transition.detail) if names else {},
    }


def feedback(given: Sequence[Feedback], names: bool) -> Json:
    """``given``: of one alert, oldest first. ``names`` False leaves out the notes, which may hold a name."""
    last = {one.person: place for place, one in enumerate(given)}
    word = verdict(given)
    items = [
        {
            "verdict": one.verdict.value,
            "person": one.person,
            "at": iso(one.at),
            "note": one.note if names else "",
            "counts": last[one.person] == place,
        }
        for place, one in enumerate(given)
    ]
    return {"verdict": word.value if word else None, "items": items}


def alert_event(transition: Transition, names: bool) -> Json:
    """``alert.call`` is that of this line: null when it asked for nobody, whatever the lines before it did."""
    return {
        "seq": transition.seq,
        "step": transition.step.value,
        "actor": transition.actor,
        "at": iso(transition.at),
        "alert": alert(transition.after, names, call_of(transition)),
    }


def person(patient: Patient, today: date, names: bool) -> Json:
    """Who it is; without ``names`` no name, no birth date, and no exact age above 89."""
    age = patient.age(today)
    return {
        "id": patient.patient_id,
        "name": {"family": patient.family, "given": patient.given} if names else None,
        "age": age if names else min(age, OLDEST_SHOWN),
        "sex": patient.sex,
        "born": patient.born.isoformat() if names else None,
        "ward": patient.ward,
        "demo": patient.demo,
    }


def _as_text(payload: bytes) -> str | None:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() or not any(ord(sign) < 32 and sign not in "\t\r\n" for sign in text) else None


def dead_letter(letter: DeadLetter) -> Json:
    reason = letter.reason
    known = reason in RefusalReason._value2member_map_
    return {
        "id": letter.dead_id,
        "received_at": iso(letter.received_at),
        "topic": letter.topic,
        "device_id": letter.device_id,
        "reason": reason,
        "reason_text": REASON_TEXT[RefusalReason(reason)] if known else "",
        "detail": letter.detail,
        "values": [dict(value) for value in letter.values],
        "payload_base64": base64.b64encode(letter.payload).decode(),
        "payload_text": _as_text(letter.payload),
    }


def current_value(
    vital: int, device_id: str, value: float, measured: int, received: int, quality: int, state: int, bad_at: int
) -> Json:
    """The newest value of one vital. ``state``: 0 fresh, 1 stale, 2 old. ``bad_at``: newest unusable signal, 0 = signal good."""
    kind = VITALS[vital]
    return {
        "value": reading_value(kind, value),
        "unit": kind.display_unit,
        "measured_at": iso(measured),
        "received_at": iso(received) if received else None,
        "quality": quality,
        "quality_words": quality_words(quality),
        "device_id": device_id,
        "state": ("fresh", "stale", "old")[state],
        "doubtful": doubtful(quality),
        "bad_signal_at": iso(bad_at) if bad_at else None,
    }


def newest(times: I64, streams: Sequence[int]) -> str | None:
    """The latest of the streams' times; None when all are 0 (never)."""
    found = max((int(times[number]) for number in streams), default=0)
    return iso(found) if found else None
