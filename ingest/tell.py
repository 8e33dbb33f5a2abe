"""``cmd/error``: tells a sender in words why a pack or value became a dead letter. At most one a second and device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.batch import Pack
from vigil.domain.errors import RefusalReason
from vigil.domain.people import is_device_id
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.vitals import BY_WIRE
from vigil.runtime.clock import Clock
from vigil.wire import commands, topics

INTERVAL_S = 1.0
#: Qualifiers of a name of the table that can be refused by themselves.
_PARTS = frozenset(("", "q", "site"))


@dataclass(slots=True)
class _Waiting:
    """One reason that a device is still to be told: of the newest pack, with the names of all since the last word."""

    epoch: int
    seq: int
    names: dict[str, None] = field(default_factory=dict)


class Teller:
    """``publish(topic, payload)`` may lose a message: it is a help for a technician; the dead letter is the record.

    Coalesced: each reason waits once a device, and they take turns. Names that are not of the published table are left out, so
    that no payload is echoed.
    """

    def __init__(self, tenant: str, publish: Callable[[str, bytes], None], clock: Clock) -> None:
        self._tenant = tenant
        self._publish = publish
        self._clock = clock
        self._waiting: dict[str, dict[RefusalReason, _Waiting]] = {}
        self._next: dict[str, float] = {}

    def note(self, packs: list[Pack]) -> None:
        """After the commit: what was refused in these packs, whole or in part."""
        for pack in packs:
            if pack.duplicate or pack.refusal is RefusalReason.NEVER_SENT:
                continue  # the sender itself has said that it is gone
            if pack.refusal is not None:
                self._add(pack, pack.refusal, "")
            else:
                for item in pack.values.refused:
                    self._add(pack, RefusalReason(item["reason"]), item["name"])

    def refused(self, device_id: str, reason: RefusalReason) -> None:
        """Something of the device was refused before anybody read it."""
        self._put(device_id, reason, NO_SEQUENCE, NO_SEQUENCE, "")

    def flush(self) -> None:
        """Tells each device that has not been told anything for a second the reason that waits longest."""
        now = self._clock.monotonic()
        for device_id in list(self._waiting):
            if self._next.get(device_id, now) > now:
                continue
            reasons = self._waiting[device_id]
            reason = next(iter(reasons))
            said = reasons.pop(reason)
            if not reasons:
                del self._waiting[device_id]
            self._next[device_id] = now + INTERVAL_S
            payload = commands.write_error(said.epoch, said.seq, reason, list(said.names))
            self._publish(topics.command(self._tenant, device_id, "error"), payload)

    def _add(self, pack: Pack, reason: RefusalReason, name: str) -> None:
        self._put(pack.device_id, reason, pack.values.epoch, pack.values.seq, name)

    def _put(self, device_id: str, reason: RefusalReason, epoch: int, seq: int, name: str) -> None:
        if not is_device_id(device_id):
            return  # a topic that names no device: there is nobody to tell
        waiting = self._waiting.setdefault(device_id, {}).setdefault(reason, _Waiting(epoch, seq))
        waiting.epoch, waiting.seq = epoch, seq
        wire, _, part = name.partition(".")
        if wire in BY_WIRE and part in _PARTS:
            waiting.names[name] = None
