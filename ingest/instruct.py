"""Step "instruct": tells devices the time and their settings, and hears what they answer.

``cmd/time`` goes out at each "online" and when asked for. ``cmd/config`` goes out when a person set it and at each "online", also
when it was confirmed before (the device may have been reset), and again with back-off until it is answered. ``cmd/bound``: see
``wearing``; ``cmd/measure``: see ``measure``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ingest.again import Again
from ingest.measure import Measure
from ingest.wearing import Wearing
from vigil.bus.board import Bus
from vigil.domain.device_settings import Answer, DeviceSettings
from vigil.domain.errors import StoreError
from vigil.domain.vitals import BY_NAME
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.store import RecordStore
from vigil.wire import control, topics

logger = logging.getLogger(__name__)

#: One answer a second and device is read, and one question answered (ours): a device in a loop costs nobody else.
LEAST_GAP_S = 1.0
#: What devices answer or ask.
RESULTS = ("time", "config", "bound", "measure")


class Instructor:
    """``publish(topic, payload)`` may lose a message: what matters is repeated."""

    def __init__(
        self,
        tenant: str,
        records: RecordStore,
        bus: Bus,
        publish: Callable[[str, bytes], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._tenant = tenant
        self._records = records
        self._publish = publish
        self._clock = clock
        self._revision = -1
        self._wanted: dict[str, DeviceSettings] = {}
        self._again = Again(bus.presence, clock)
        self._wearing = Wearing(records, bus, self._send, clock)
        self._measure = Measure(bus, self._send, clock)
        self._takers = {"config": self._take_settings, "bound": self._wearing.take, "measure": self._measure.take}
        self._last: dict[tuple[str, str], float] = {}
        self._failing = False
        self._sent = metrics.counter("ingest_commands_sent_total", "Commands sent to devices", ["command"])
        self._unread = metrics.counter("ingest_results_refused_total", "Results of devices that were not read", ["why"])

    def online(self, device_id: str, at: int) -> None:
        """The device has a new connection, heard at ``at``."""
        self._tell_time(device_id, at, None)
        if device_id in self._wanted:
            self._again.tell(device_id)
        self._wearing.online(device_id)

    def result(self, device_id: str, name: str, payload: bytes, at: int) -> None:
        """``res/{name}`` of a device, received at ``at``."""
        if not self._in_turn(device_id, name):
            self._unread.labels("too_often").inc()
        elif name == "time":
            question = control.read_time_question(payload)
            self._tell_time(device_id, at, question.asked if question else None)
        elif name in RESULTS:
            self._take(device_id, name, payload, at)
        else:
            self._unread.labels("unknown_name").inc()

    def tick(self) -> None:
        """Sends what is due. Call it about once a second."""
        try:
            self._refresh()
            self._wearing.tick()
            self._failing = False
        except StoreError as error:
            self._say_failing(error)
        for device_id in self._again.due():
            self._configure(device_id)
        self._measure.tick()

    def _refresh(self) -> None:
        revision = self._records.revision()
        if revision == self._revision:
            return
        for one in self._records.wanted_settings():
            known = self._wanted.get(one.device_id)
            self._wanted[one.device_id] = one
            if one.answer is None and (known is None or known.version != one.version):
                self._again.tell(one.device_id)
        self._revision = revision

    def _configure(self, device_id: str) -> None:
        wanted = self._wanted[device_id]
        intervals = {BY_NAME[name].wire: seconds for name, seconds in wanted.interval_s.items()}
        limits = {BY_NAME[name].wire: (limit.low, limit.high) for name, limit in wanted.limits.items()}
        self._send(device_id, "config", control.write_config(wanted.version, intervals, limits))
        if wanted.answer is not None:
            self._again.stop(device_id)

    def _take(self, device_id: str, name: str, payload: bytes, at: int) -> None:
        try:
            why = self._takers[name](device_id, payload, at)
        except StoreError as error:
            self._say_failing(error)  # the answer comes again, because the command does
            return
        if why:
            self._unread.labels(why).inc()

    def _take_settings(self, device_id: str, payload: bytes, at: int) -> str:
        said = control.read_config_answer(payload)
        if said is None:
            return "unreadable"
        taken = self._records.answer_settings(device_id, said.version, Answer(said.accepted, said.text, at))
        self._refresh()
        if not taken:
            return "other_version"
        if said.version == self._wanted[device_id].version:
            self._again.stop(device_id)
        return ""

    def _tell_time(self, device_id: str, since: int, asked: float | None) -> None:
        now = self._clock.now_us()
        self._send(device_id, "time", control.write_time(now, now - since, asked))

    def _send(self, device_id: str, name: str, payload: bytes) -> None:
        self._publish(topics.command(self._tenant, device_id, name), payload)
        self._sent.labels(name).inc()

    def _in_turn(self, device_id: str, name: str) -> bool:
        now = self._clock.monotonic()
        if now - self._last.get((device_id, name), -LEAST_GAP_S) < LEAST_GAP_S:
            return False
        if name in RESULTS:  # other names are the sender's choice, and must not fill the memory
            self._last[device_id, name] = now
        return True

    def _say_failing(self, error: StoreError) -> None:
        if not self._failing:
            logger.error("what devices are told and answer cannot be read or kept: %s", error)
        self._failing = True
