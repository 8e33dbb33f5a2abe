"""Says when readings come faster than they can be stored: in words for the health check, and as technical alerts of the platform.

The alerts go the way of a person's command (``vigil.domain.lifecycle``, then the record, then the bus): analytics takes them
over from the log, escalates them and ends what it has to. They end by themselves.
"""

from __future__ import annotations

import logging

from ingest.fair import Dropped, FairQueue
from vigil.bus.board import Bus
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.errors import StoreError, VersionConflict
from vigil.domain.lifecycle import Began, Ended, Event, Finding, Stamp
from vigil.domain.phrases import Phrase, english, phrase, tell
from vigil.domain.self_test import PLATFORM
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock
from vigil.store import RecordStore
from vigil.store.changes import change

logger = logging.getLogger(__name__)

#: Rules of the alerts: more than can be stored, and one device alone that sends more than its limit.
OVERLOAD_RULE, FLOOD_RULE = "ingest_overload", "ingest_flood"
#: A live message that waits longer is told of, and it is over when nothing was dropped for so long (ours).
LATE_US, QUIET_S = 5 * SECOND, 30.0
#: Devices named in one alert.
_MOST = 3
_PRIORITY = {OVERLOAD_RULE: Priority.MEDIUM, FLOOD_RULE: Priority.LOW}
_TITLE = {OVERLOAD_RULE: phrase("overload.title"), FLOOD_RULE: phrase("flood.title")}


class Overload:
    """``note`` is called by the network thread, ``trouble`` by any, ``tick`` once a second by one that nothing holds up."""

    def __init__(self, queue: FairQueue, records: RecordStore, bus: Bus, clock: Clock) -> None:
        self._queue = queue
        self._records = records
        self._bus = bus
        self._clock = clock
        self._full_at = self._late_at = -QUIET_S
        self._full = 0
        self._fast: dict[str, float] = {}
        #: By rule, whether its alert is on; unknown until the records were asked.
        self._told: dict[str, bool] = {}
        self._failing = False

    def note(self, dropped: Dropped) -> None:
        now = self._clock.monotonic()
        if dropped.too_fast:
            self._fast[dropped.device_id] = now
        else:
            self._full = self._full + 1 if now - self._full_at < QUIET_S else 1
            self._full_at = now

    def trouble(self) -> dict[str, Phrase]:
        """By rule, what is wrong now."""
        now = self._clock.monotonic()
        waiting = self.waiting_apart()
        oldest = self._queue.oldest_live()
        waited = 0 if oldest is None else self._clock.now_us() - oldest
        if waited > LATE_US:
            self._late_at = now
        found: dict[str, Phrase] = {}
        if waiting or now - max(self._full_at, self._late_at) < QUIET_S:
            dropped = self._full if now - self._full_at < QUIET_S else 0
            found[OVERLOAD_RULE] = phrase(
                "overload", waiting=self._queue.messages, waited=waited // SECOND, dropped=dropped
            )
        fast = sorted(self.too_fast() | waiting)
        if fast:
            devices = ", ".join(fast[:_MOST])
            found[FLOOD_RULE] = phrase("flood", devices=devices)
            if len(fast) > _MOST:
                found[FLOOD_RULE] = phrase("flood.more", devices=devices, more=len(fast) - _MOST)
        return found

    def waiting_apart(self) -> frozenset[str]:
        """Those apart while their line has to wait: the broker may be dropping what they send."""
        held = self._clock.monotonic() - self._queue.held_at < QUIET_S
        return self._queue.apart if held else frozenset()

    def too_fast(self) -> set[str]:
        """Devices beyond their limit."""
        now = self._clock.monotonic()
        return {device for device, at in list(self._fast.items()) if now - at < QUIET_S}

    def tick(self) -> None:
        now = self._clock.monotonic()
        for device in [device for device, at in list(self._fast.items()) if now - at >= QUIET_S]:
            self._fast.pop(device, None)
        found = self.trouble()
        try:
            for rule in (OVERLOAD_RULE, FLOOD_RULE):
                if self._told.get(rule) is not (rule in found):
                    self._tell(rule, found.get(rule))
                    self._told[rule] = rule in found
            self._failing = False
        except (StoreError, VersionConflict) as error:
            if not self._failing:
                logger.error("an alert about overload cannot be recorded, trying again each second: %s", error)
            self._failing = True

    def _tell(self, rule: str, text: Phrase | None) -> None:
        now = self._clock.now_us()
        stamp = Stamp(f"deadline:{now}", now)
        event: Event = Ended(stamp, now)
        if text is not None:
            told = tell(_TITLE[rule], text)
            evidence = Evidence(told.text, said=told.said)
            finding = Finding(PLATFORM, rule, Kind.TECHNICAL, _PRIORITY[rule], told.title, evidence, now)
            event = Began(stamp, finding)
        recorded = change(self._records, PLATFORM, rule, event, now)
        if recorded is not None:
            logger.warning("%s: %s", english(_TITLE[rule]), "over" if text is None else english(text))
            self._bus.transitions.publish(recorded)
