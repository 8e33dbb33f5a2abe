"""The same history through the live stage, second by second, with a nurse who acknowledges as the one of the back-test does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from analytics.backtest.replay import RESPONSE_S, SETTLE, Nurse
from analytics.backtest.world import World
from tests.unit.analytics.ward import Ward, compiled
from vigil.domain.alerts import Handling, Transition
from vigil.domain.policy import Policy
from vigil.domain.times import SECOND
from vigil.runtime.clock import ManualClock
from vigil.store import Commit


class Prompt(Nurse):
    """Acknowledges each alert a fixed time after it waits, called or not: what one alert does has no part in another's."""

    def look(self, now: int) -> None:
        noted = {}
        for alert in self._records.alerts(open_only=True):
            if alert.handling is Handling.UNACKNOWLEDGED:
                since = self._noted.get(alert.alert_id, now)
                if now - since >= self._response:
                    self._acknowledge(alert, now)
                else:
                    noted[alert.alert_id] = since
        self._noted = noted

    def next_due(self) -> int | None:
        return min((since + self._response for since in self._noted.values()), default=None)


def live(
    world: World, path: Path, response_s: float = RESPONSE_S, comes: Callable[[Any, Policy, float], Nurse] = Prompt
) -> list[Transition]:
    """Every line of the alert logs. All readings must have been received at full seconds from the first one's."""
    history, batch = world.history, world.history.batch
    start, end = int(batch.received_at[0]), int(batch.received_at[-1]) + SETTLE
    assert not ((batch.received_at - start) % SECOND).any()
    ward = Ward(path, clock=ManualClock(start), kernels=compiled())
    ward.records.add_patient(history.patient)
    ward.records.put_policy(history.patient.patient_id, history.policy, "doctor", "test", 0)
    for device in world.devices():
        ward.records.put_device(device)
        ward.records.bind(device.device_id, history.patient.patient_id, 0)
    ward.readings.known = list(history.streams)
    nurse = comes(ward.records, history.policy, response_s)
    taken = 0
    for now in range(start, end + 1, SECOND):
        ward.clock.jump_to(now)
        upto = int(np.searchsorted(batch.received_at, now, side="right"))
        if upto > taken:
            ward.analytics.process(ward.readings.commit(Commit(batch.take(slice(taken, upto)), [], [], [])))
            taken = upto
        ward.analytics.tick()
        nurse.look(now)
    return ward.records.log
