"""The same history through the live stage, second by second, with a nurse who acknowledges as the one of the back-test does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analytics.backtest.replay import RESPONSE_S, SETTLE
from analytics.backtest.world import World
from tests.unit.analytics.ward import Ward, compiled
from vigil.domain.alerts import Handling, Transition
from vigil.domain.lifecycle import Acknowledge, Stamp, apply
from vigil.domain.times import SECOND
from vigil.runtime.clock import ManualClock
from vigil.store import Commit


def live(world: World, path: Path, response_s: float = RESPONSE_S) -> list[Transition]:
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
    waiting: dict[str, int] = {}
    taken = 0
    for now in range(start, end + 1, SECOND):
        ward.clock.jump_to(now)
        upto = int(np.searchsorted(batch.received_at, now, side="right"))
        if upto > taken:
            ward.analytics.process(ward.readings.commit(Commit(batch.take(slice(taken, upto)), [], [], [])))
            taken = upto
        ward.analytics.tick()
        waiting = _nurse(ward, waiting, now, round(response_s * SECOND))
    return ward.records.log


def _nurse(ward: Ward, waiting: dict[str, int], now: int, response: int) -> dict[str, int]:
    """Since when each alert has been calling."""
    calling = {}
    for alert in ward.records.alerts(open_only=True):
        if alert.handling is not Handling.UNACKNOWLEDGED:
            continue
        since = waiting.get(alert.alert_id, now)
        if now - since < response:
            calling[alert.alert_id] = since
            continue
        stamp = Stamp(f"command:{alert.alert_id}:{alert.version}", now, "nurse")
        policy = ward.records.policy(alert.patient_id)
        assert policy is not None
        line = apply(alert, Acknowledge(stamp, alert.version), policy)
        assert line is not None
        ward.records.record(line)
    return calling
