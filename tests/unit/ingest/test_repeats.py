"""Values that a gateway repeats with fresh times are found; a living body is not taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ingest.batch import columns_of
from ingest.decode import decode
from ingest.repeats import Repeats
from simulators.device import DeviceSettings
from simulators.packs import Pack as Sent
from simulators.patient import VirtualPatient
from simulators.recording import packs as recorded
from simulators.replay import load_recordings
from simulators.sensors import Sensor
from tests.unit.ingest.rig import NOW, pack
from vigil.domain.quality import GATED, Quality
from vigil.domain.times import HOUR, SECOND
from vigil.domain.vitals import BY_NAME
from vigil.runtime.mqtt import Message
from vigil.wire import packs as wire

REPEATED = int(Quality.REPEATED)
VITALS = {"hr": 72.0, "spo2": 97.0, "rr": 16.0, "pi": 3.1}


def marked(messages: list[Message], repeats: Repeats | None = None) -> list[bool]:
    """Of each pack: was it marked? Run in one batch."""
    packs = [decode(message) for message in messages]
    columns = columns_of(packs)
    (repeats or Repeats()).mark(packs, columns)
    found = [bool(np.any(columns.quality[columns.pack == place] & REPEATED)) for place in range(len(packs))]
    assert all(
        np.all(columns.quality[columns.pack == place] & REPEATED) for place, whole in enumerate(found) if whole
    ), "whole packs only"
    return found


def message(second: int, values: dict[str, float], channel: str = "vitals", device_s: int | None = None) -> Message:
    at = NOW / 1e6 + (second if device_s is None else device_s)
    body = json.dumps(pack(*({"n": name, "v": value} for name, value in values.items()), seq=second, at=at)).encode()
    return Message(f"rpm/v1/home/d/w-1/tel/{channel}", body, 1, 1, 1, NOW + second * SECOND)


def stuck(every_s: int, minutes: int, values: dict[str, float]) -> list[bool]:
    return marked([message(second, values) for second in range(0, minutes * 60, every_s)])


@pytest.mark.parametrize(("every_s", "found_s"), [(1, 300), (10, 300), (30, 300), (60, 540)])
def test_a_stuck_gateway_is_found_in_the_stated_time(every_s: int, found_s: int) -> None:
    found = stuck(every_s, 20, VITALS)
    first = found.index(True)
    assert first * every_s == found_s
    assert all(found[first:])


@pytest.mark.parametrize(
    "values",
    [
        {"hr": 72, "spo2": 97, "rr": 16},  # coarse: a paced, ventilated patient
        {"hr": 72, "pi": 3.1},  # too few
        {"hr": 72, "spo2": 97, "pi": 0.2},  # a cold finger: too few steps of resolution
        {"hr": 72, "pi": 3.1, "batt": 80, "rssi": -60},  # not of the body
    ],
)
def test_what_may_stand_still_by_itself_is_not_marked(values: dict[str, float]) -> None:
    assert not any(stuck(1, 60, values))


def test_a_fine_value_that_comes_seldom_proves_nothing() -> None:
    coarse = {"hr": 60.0, "spo2": 98.0, "rr": 14.0}
    found = marked([message(s, coarse | ({"pi": 3.1} if s % 600 == 0 else {})) for s in range(3600)])
    assert not any(found)


def test_one_change_starts_the_time_anew() -> None:
    changed = [message(s, VITALS | ({"pi": 3.2} if s == 299 else {})) for s in range(700)]
    found = marked(changed)
    assert found.index(True) == 600
    found = marked([message(s, VITALS | {"hr": 72.0 + (s > 400)}) for s in range(500)])
    assert found == [300 <= s <= 400 for s in range(500)], "and ends the marks at once"


def test_a_lost_contact_is_a_sign_of_life_of_the_sensor() -> None:
    lost = pack(
        *({"n": name, "v": value} for name, value in VITALS.items() if name != "spo2"),
        {"n": "spo2.q", "v": 4},
        seq=9_999,
        at=NOW / 1e6 + 200.5,
    )
    messages = [message(second, VITALS) for second in range(450)]
    messages.insert(201, Message(messages[0].topic, json.dumps(lost).encode(), 1, 1, 1, NOW + 200_500_000))
    assert not any(marked(messages))


def test_what_was_never_sent_before_is_no_repeat() -> None:
    """The first cuff reading of a device whose other values stand still: a severe one must not be taken for an old one."""
    cuff = [message(second, VITALS | ({"sbp": 70.0} if second >= 400 else {})) for second in range(800)]
    found = marked(cuff)
    assert [second for second, stale in enumerate(found) if stale] == [*range(300, 400), *range(700, 800)]
    young = [message(second, VITALS | ({"sbp": 70.0} if second >= 200 else {})) for second in range(400)]
    assert marked(young).index(True) == 300, "what comes within the time belongs to it"


def test_history_and_packs_without_fresh_times_are_left_alone() -> None:
    assert not any(marked([message(second, VITALS, "backfill") for second in range(900)]))
    assert not any(marked([message(second, VITALS, device_s=0) for second in range(900)]))


def test_a_burst_after_an_outage_lasts_no_time() -> None:
    burst = [message(second, VITALS) for second in range(900)]
    assert not any(marked([Message(m.topic, m.payload, 1, 1, 1, NOW + HOUR + n) for n, m in enumerate(burst)]))


def test_any_split_into_batches_marks_the_same() -> None:
    messages = [message(second, VITALS) for second in range(400)]
    repeats = Repeats()
    parts = [mark for at in range(0, 400, 7) for mark in marked(messages[at : at + 7], repeats)]
    assert parts == marked(messages)


def _messages(sent: list[tuple[int, Sent]]) -> list[Message]:
    found = []
    for number, (at, each) in enumerate(sent):
        body = wire.write(each.device_id, 1, number, each.records)
        found.append(Message(f"rpm/v1/home/d/{each.device_id}/tel/vitals", body, 1, 1, 1, at))
    return found


@pytest.mark.parametrize("joined", [1, 10])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_of_a_stable_simulated_person_is_marked(seed: int, joined: int) -> None:
    """Seven hours of a night without the disturbances of daily life, with every sensor there is, at 15 s."""
    settings = DeviceSettings(joined_steps=joined, disturbed=False, sensors=tuple(Sensor))
    patient = VirtualPatient(seed, "stable", [], NOW, step_s=15.0, settings=settings)
    sent = patient.advance(NOW + 7 * HOUR)
    assert len(sent) > 150
    assert not any(marked(_messages([(each.due_us, each) for each in sent])))


@pytest.mark.recordings
def test_nothing_of_a_real_recording_is_marked(recordings: Path) -> None:
    """BIDMC has no finely resolved vital, so each person gets one that never changes: then only the length of the run decides."""
    people = load_recordings("bidmc", recordings / "bidmc")
    assert len(people) == 27
    for person in people:
        sent = [(NOW + at, each) for at, each in recorded(person, NOW)]
        assert not any(marked(_messages(sent)))
        packs = [decode(message) for message in _messages(sent)]
        for each in packs:
            for column, value in (
                ("vital", BY_NAME["perfusion_index"].index),
                ("site", ""),
                ("time_us", max(each.values.time_us)),
                ("value", 3.1),
            ):
                getattr(each.values, column).append(value)
            each.values.quality.append(0)
        assert Repeats().mark(packs, columns_of(packs)) == 0


def test_a_repeat_is_no_measurement() -> None:
    assert GATED & REPEATED, "a stale value that looks live is silence, and must be told as that"
