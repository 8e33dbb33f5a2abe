"""How an alert came to somebody: measured, received, decided, sent, seen, accepted. Each has its time, or says why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from api.series import Wearing
from api.shape import Json, iso_or_none
from vigil.domain.alerts import Alert, Evidence, Handling, Step, Transition
from vigil.domain.deliveries import Delivery, State
from vigil.domain.vitals import VITALS
from vigil.store import EVERY_READING, ReadingHistory

#: Lines that say anew what the alert was decided on.
_DECISIONS = frozenset({Step.OPENED, Step.WORSENED, Step.EASED, Step.CONFIRMED, Step.RECURRED})
_TAKEN = frozenset({Step.ACKNOWLEDGED, Step.ACCEPTED})
#: Parts of a score that other vitals tell than the one of their name.
_TOLD_BY = {"oxygen": ("o2_flow", "fio2"), "consciousness": ("consciousness", "gcs")}

#: When the core had the input of a score of this name that was measured then; None = not known.
Received = Callable[[str, int], int | None]


class Why(StrEnum):
    """Why a step has no time. ``none``: there is no such step: the alert is about no single value, called nobody, or is over.
    ``not_yet``: it may still come. ``unknown``: it was, but nothing tells when. ``failed``: each try to send was in vain."""

    NONE = "none"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"
    FAILED = "failed"


def path(alert: Alert, lines: Sequence[Transition], notices: Iterable[Delivery], received: Received) -> list[Json]:
    """Of the newest decision. ``lines``: the alert's log."""
    measured_at, received_at = _value(alert.evidence, received)
    decision = next((line for line in reversed(lines) if line.step in _DECISIONS), None)
    told = [one for one in notices if decision is None or one.seq >= decision.seq]
    waits = Why.NOT_YET if alert.open else Why.NONE
    accepted = _accepted_at(alert, lines)
    unseen = Why.UNKNOWN if accepted else waits if told else Why.NONE
    return [
        _step("measured", measured_at, Why.NONE),
        _step("received", received_at, Why.UNKNOWN if measured_at else Why.NONE),
        _step("decided", alert.opened_at if decision is None else decision.at, Why.UNKNOWN),
        _step("sent", _first(one.sent_at for one in told), _unsent(told)),
        _step("seen", _first(one.seen_at for one in told), unseen),
        _step("accepted", accepted, waits),
    ]


def received_by(readings: ReadingHistory, wearing: Wearing, patient_id: str) -> Received:
    def received(name: str, measured_at: int) -> int | None:
        vitals = _TOLD_BY.get(name, (name,))
        streams = [one.stream for one in wearing.of(patient_id).streams if VITALS[one.vital].name in vitals]
        found = (
            readings.range(streams, measured_at, measured_at + 1, EVERY_READING).received_at.tolist() if streams else []
        )
        return _first(found)

    return received


def _step(name: str, at: int | None, why: Why) -> Json:
    return {"step": name, "at": iso_or_none(at), "why": why.value if at is None else None}


def _value(evidence: Evidence, received: Received) -> tuple[int | None, int | None]:
    """When what decided was measured and received: a limit's value, or the newest input that counted in a score."""
    if evidence.values:
        return evidence.values[0].get("measured_at"), evidence.values[0].get("received_at")
    counted = [one for one in (evidence.score or {}).get("parts", ()) if one["points"] and one["measured_at"]]
    if not counted:
        return None, None
    newest = max(counted, key=lambda one: int(one["measured_at"]))
    return newest["measured_at"], received(newest["name"], newest["measured_at"])


def _accepted_at(alert: Alert, lines: Sequence[Transition]) -> int | None:
    """By whoever has it, or had it when it ended; not by one who is asked and has not answered."""
    if alert.handling is not Handling.ACKNOWLEDGED or alert.accept_by is not None:
        return None
    return next((line.at for line in reversed(lines) if line.step in _TAKEN), alert.acknowledged_at)


def _unsent(told: Sequence[Delivery]) -> Why:
    if not told:
        return Why.NONE
    return Why.FAILED if all(one.state is State.FAILED for one in told) else Why.NOT_YET


def _first(times: Iterable[int | None]) -> int | None:
    return min((at for at in times if at is not None), default=None)
