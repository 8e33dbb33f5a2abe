"""The next line of an alert's log: its cause, its identifier, its version."""

from __future__ import annotations

import hashlib
from typing import Any

from vigil.domain.alerts import Alert, Step, Transition
from vigil.domain.changed import changed
from vigil.domain.errors import VersionConflict
from vigil.domain.events import Stamp


def mint(patient_id: str, rule: str, cause: str) -> str:
    """The opaque identifier of the alert that ``cause`` opens; the same cause always gives the same one."""
    digest = hashlib.blake2b(f"{patient_id}\0{rule}\0{cause}".encode(), digest_size=12)
    return f"a-{digest.hexdigest()}"


def line(step: Step, stamp: Stamp, after: Alert, note: str = "", detail: dict[str, Any] | None = None) -> Transition:
    cause = cause_of(stamp, step)
    return Transition(step, cause, stamp.at, stamp.actor, after, stamp.measured_at, note, detail=detail or {})


def cause_of(stamp: Stamp, step: Step) -> str:
    """A command is one act of a person; a reading or a deadline may bring several steps."""
    return stamp.cause if stamp.cause.startswith("command:") else f"{stamp.cause}:{step.value}"


def following(alert: Alert, stamp: Stamp) -> Alert:
    return changed(alert, version=alert.version + 1, updated_at=stamp.at)


def check_command(alert: Alert, version: int) -> None:
    """Raises ``VersionConflict`` for a command to an alert that has changed since the person saw it, or that is resolved."""
    if not alert.open:
        raise VersionConflict(f"alert {alert.alert_id} is resolved")
    if version != alert.version:
        raise VersionConflict(f"alert {alert.alert_id} is at version {alert.version}, not {version}")
