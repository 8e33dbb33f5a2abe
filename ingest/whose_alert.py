"""Tells people that a weight asks whose it is: a technical alert of the wearer, until a weight comes that fits, or an answer."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from vigil.bus.board import Bus
from vigil.domain.alerts import Evidence, Kind, Priority
from vigil.domain.errors import StoreError
from vigil.domain.lifecycle import Began, Ended, Event, Finding, Stamp
from vigil.domain.phrases import phrase, tell
from vigil.domain.whose import RULE, Weight, WhoseQuestion
from vigil.runtime.clock import Clock
from vigil.store import RecordStore
from vigil.store.changes import change

logger = logging.getLogger(__name__)


class WhoseAlert:
    """A question without one would be silence: its weight is judged for nobody, and may be the wearer's after all."""

    def __init__(self, records: RecordStore, bus: Bus, clock: Clock) -> None:
        self._records = records
        self._bus = bus
        self._clock = clock

    def tell(self, questions: Iterable[WhoseQuestion], fitting: Mapping[str, Weight]) -> None:
        """``fitting``: the newest weight of a batch that counted, by patient. What is newer by measured time decides."""
        newest: dict[str, WhoseQuestion] = {}
        for one in questions:
            if one.patient_id not in newest or one.weight.at >= newest[one.patient_id].weight.at:
                newest[one.patient_id] = one
        for patient_id, question in newest.items():
            if patient_id not in fitting or fitting[patient_id].at < question.weight.at:
                self._record(patient_id, self._began(question))
        for patient_id, weight in fitting.items():
            if patient_id not in newest or newest[patient_id].weight.at <= weight.at:
                stamp = Stamp(f"weight:{patient_id}:{weight.at}", self._clock.now_us())
                self._record(patient_id, Ended(stamp, weight.at))

    def _began(self, question: WhoseQuestion) -> Began:
        weights = {"weight": question.weight.kg, "before": question.last.kg}
        told = tell(phrase("whose_weight.title"), phrase("whose_weight", device=question.device_id, **weights))
        stamp = Stamp(f"question:{question.device_id}:{question.device_time}", self._clock.now_us())
        finding = Finding(
            question.patient_id,
            RULE,
            Kind.TECHNICAL,
            Priority.MEDIUM,
            told.title,
            Evidence(told.text, said=told.said),
            question.weight.at,
        )
        return Began(stamp, finding)

    def _record(self, patient_id: str, event: Event) -> None:
        """An alert that cannot be recorded must not hold up the readings; the question is recorded by now."""
        try:
            line = change(self._records, patient_id, RULE, event, self._clock.now_us())
        except StoreError as error:
            logger.error("an alert about a weight cannot be recorded: %s", error)
            return
        if line is not None:
            self._bus.transitions.publish(line)
