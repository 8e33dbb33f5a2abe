"""Tells a device that somebody wears it from now on, and hears whether he agrees. Part of the step "instruct".

``cmd/bound`` goes out when a binding begins or ends and at each "online", and again with back-off while the wearer of a running
binding has said nothing and nobody else has. A device that cannot ask its wearer ignores it.
"""

from __future__ import annotations

from collections.abc import Callable

from ingest.again import Again
from vigil.bus.board import Bus
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Event, Finding, Stamp
from vigil.domain.people import Binding
from vigil.domain.phrases import phrase, tell
from vigil.domain.wearing import AT_THE_DEVICE, RULE, Standing, Word, asks, standing
from vigil.runtime.clock import Clock
from vigil.store import RecordStore
from vigil.store.changes import change
from vigil.wire import control


class Wearing:
    """``send(device, command, payload)`` may lose a message. Every method but ``online`` raises ``StoreError``."""

    def __init__(self, records: RecordStore, bus: Bus, send: Callable[[str, str, bytes], None], clock: Clock) -> None:
        self._records = records
        self._bus = bus
        self._send = send
        self._clock = clock
        self._again = Again(bus.presence, clock)
        self._revision = -1
        self._worn: dict[str, tuple[Binding, Word | None]] = {}
        self._denied: set[str] = set()

    def online(self, device_id: str) -> None:
        self._again.tell(device_id)

    def take(self, device_id: str, payload: bytes, at: int) -> str:
        """What the device says on ``res/bound``; why it counts for nothing, else ""."""
        said = control.read_bound_answer(payload)
        if said is None:
            return "unreadable"
        found = self._worn.get(device_id)
        if found is None or found[0].binding_id != said.binding:
            return "other_binding"
        if not self._records.say_worn(said.binding, Word(said.confirmed, AT_THE_DEVICE, said.text, at)):
            return "other_binding"
        self.tick()
        return ""

    def tick(self) -> None:
        """Looks who wears what, and tells who is due."""
        revision = self._records.revision()
        if revision != self._revision:
            self._look()
            self._revision = revision  # only now: an alert that could not be recorded is recorded in the next second
        for device_id in self._again.due():
            binding, word = self._worn.get(device_id, (None, None))
            self._send(device_id, "bound", control.write_bound(None if binding is None else binding.binding_id))
            if binding is None or word is not None:
                self._again.stop(device_id)

    def _look(self) -> None:
        before, first = self._worn, self._revision < 0
        self._worn = {one.device_id: (one, word) for one, word in self._records.worn() if asks(one)}
        for device_id, (binding, word) in self._worn.items():
            known = before.get(device_id)
            if word is not None:
                self._again.stop(device_id)
            elif known is None or known[0].binding_id != binding.binding_id:
                self._again.tell(device_id)
        for device_id in before.keys() - self._worn.keys():
            self._again.tell(device_id)
        self._settle(self._told() if first else self._denied)

    def _settle(self, told: set[str]) -> None:
        """A technical alert for each patient whose device is said to be somebody else's, until that is over."""
        denied = {
            one.patient_id: (one, word)
            for one, word in self._worn.values()
            if word is not None and standing(word) is Standing.DENIED
        }
        for patient_id in denied.keys() - told:
            self._record(patient_id, _began(*denied[patient_id], self._clock.now_us()))
        now = self._clock.now_us()
        for patient_id in told - denied.keys():
            self._record(patient_id, Ended(Stamp(f"{RULE}:{patient_id}:{now}", now), now))
        self._denied = set(denied)

    def _told(self) -> set[str]:
        """Whose alert stands from before this start."""
        return {one.patient_id for one in self._records.alerts(open_only=True) if one.rule == RULE and one.active}

    def _record(self, patient_id: str, event: Event) -> None:
        line = change(self._records, patient_id, RULE, event, self._clock.now_us())
        if line is not None:
            self._bus.transitions.publish(line)


def _began(binding: Binding, word: Word, now: int) -> Began:
    text = phrase("whose_device.wearer", device=binding.device_id)
    if word.by != AT_THE_DEVICE:
        text = phrase("whose_device.said", device=binding.device_id, by=word.by)
    told = tell(phrase("whose_device.title"), text)
    evidence = Evidence(told.text, said=told.said)
    finding = Finding(binding.patient_id, RULE, Kind.TECHNICAL, Priority.MEDIUM, told.title, evidence, word.at)
    return Began(Stamp(f"binding:{binding.binding_id}:{word.at}", now), finding)
