"""``kill -9`` of the core again and again while nobody answers: each level is called once, at its time or after the start."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.publishers import Publisher, enrol
from tests.product import Product, eventually
from tests.receiver import Answer, Receiver, Request
from vigil.domain.alerts import Handling, Step, Transition
from vigil.domain.calls import interrupts
from vigil.domain.deliveries import Delivery
from vigil.domain.times import SECOND
from vigil.runtime.keys import load_keys
from vigil.store.records import SqlRecordStore

RULE = "limit.spo2.low"
#: Seconds without an answer until the next level: the least that a policy allows for high priority.
ESCALATE_S = 10
#: The core is killed while these levels' notices are under way, before anybody could tell it that they arrived.
HELD_LEVELS = (0, 3)
#: A tick is a second; a start of the core on a busy machine takes a while.
ON_TIME_S, START_S = 2.5, 20.0

TEAM = """
id = "e2e"
ward = "Test"
timezone = "UTC"
fallback = "li.na"

[[member]]
id = "li.na"
name = "Li Na"
channels = ["hook"]

[[member]]
id = "dr.wang"
name = "Dr Wang"
channels = ["hook"]

[[level]]
who = "on_call"

[[level]]
who = "member:dr.wang"
"""


@dataclass
class Holding:
    """Takes the first notice of each held level and never answers it: the core dies waiting."""

    taken: dict[int, threading.Event] = field(default_factory=lambda: {each: threading.Event() for each in HELD_LEVELS})
    killed: dict[int, threading.Event] = field(
        default_factory=lambda: {each: threading.Event() for each in HELD_LEVELS}
    )

    def __call__(self, request: Request) -> Answer:
        rule, level = about(request)
        if rule != RULE or level not in self.taken or self.taken[level].is_set():
            return 204, {}
        self.taken[level].set()
        assert self.killed[level].wait(60)
        return None


def about(request: Request) -> tuple[str, int]:
    (alert,) = request.json["alerts"]
    return alert["labels"]["rule"], int(alert["annotations"]["level"])


def kill_and_wait(product: Product) -> None:
    old = product.kill("run core")
    eventually(lambda: product.children("run core") not in ([], [old]) and ready(product), 60, "the core is back")


def ready(product: Product) -> bool:
    try:
        return httpx.get(f"{product.url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def settings(folder: Path, receiver: Receiver) -> str:
    (folder / "hook.secret").write_text("open sesame")
    path = folder / "vigil.toml"
    path.write_text(
        f'[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "{receiver.url}"\n'
        f'secret_file = "{folder / "hook.secret"}"\nallow_internal = true\nallow_http = true\n'
    )
    return str(path)


def open_alert(product: Product, patient_id: str) -> dict[str, Any]:
    with product.client("nurse") as api:
        items = api.get(f"/api/v1/patients/{patient_id}/alerts?state=open").json()["items"]
    return next((one for one in items if one["rule"] == RULE), {})


def all_delivered(product: Product, patient_id: str) -> bool:
    with product.client("nurse") as api:
        items = api.get(f"/api/v1/alerts/{open_alert(product, patient_id)['id']}/deliveries").json()["items"]
    return {one["state"] for one in items} == {"delivered"}


def levels(receiver: Receiver) -> dict[int, set[str]]:
    """Keys of the notices about the alert that arrived, by level."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for request in list(receiver.got):
        rule, level = about(request)
        if rule == RULE:
            found[level].add(request.key)
    return dict(found)


@pytest.mark.timeout(240)
def test_kill_9_during_escalation(tmp_path: Path) -> None:
    holding = Holding()
    with Receiver(holding).listening() as receiver:
        config = settings(tmp_path, receiver)
        with Product.started(tmp_path, arguments=("--config", config)) as product:
            with product.client() as api:
                device = enrol(api, 1)
            with product.client("clinician") as api:
                document = {"document": {"escalate_s": {"high": ESCALATE_S}}, "reason": "test"}
                api.put("/api/v1/policies/programme", json=document).raise_for_status()
                api.put("/api/v1/teams", json={"toml": TEAM, "reason": "test"}).raise_for_status()
            with Publisher(device) as publisher:
                publisher.publish(device.pack(0, {"n": "spo2", "v": 75}))
            assert holding.taken[0].wait(30), "the first notice"
            kill_and_wait(product)  # while the first notice is under way
            holding.killed[0].set()
            eventually(lambda: 1 in levels(receiver), 40, "level 1")
            eventually(lambda: all_delivered(product, device.patient_id), 20, "level 1 is on record as delivered")
            kill_and_wait(product)  # between two deadlines
            eventually(lambda: 2 in levels(receiver), 40, "level 2")
            due = eventually(lambda: deadline(product, device.patient_id), 20, "the next deadline")
            eventually(lambda: time.time() > due - 1, 20, "just before the next deadline")
            kill_and_wait(product)  # so that it passes while nobody is there
            assert holding.taken[3].wait(30), "level 3"
            kill_and_wait(product)  # while that notice is under way
            holding.killed[3].set()
            eventually(lambda: 4 in levels(receiver), 40, "level 4")
            chosen = open_alert(product, device.patient_id)
            with product.client("nurse") as api:
                api.post(
                    f"/api/v1/alerts/{chosen['id']}/acknowledge", json={"version": chosen["version"]}
                ).raise_for_status()
    lines, deliveries = on_record(product.data_dir, chosen["id"])
    check_lines(lines)
    check_notices(receiver, lines, deliveries)


def deadline(product: Product, patient_id: str) -> float:
    """Unix seconds of the alert's next escalation, once level 2 has been called; 0 before."""
    alert = open_alert(product, patient_id)
    if alert.get("escalation_level") != 2:
        return 0.0
    records = store(product.data_dir)
    found = records.alert(alert["id"]).deadline_at
    records.close()
    assert found is not None
    return found / SECOND


def store(data_dir: Path) -> SqlRecordStore:
    key = load_keys(data_dir, create=False).record_key.encode()
    return SqlRecordStore(f"sqlite:///{data_dir / 'records.sqlite3'}", key)


def on_record(data_dir: Path, alert_id: str) -> tuple[list[Transition], list[Delivery]]:
    records = store(data_dir)
    lines = records.transitions(alert_id=alert_id)
    deliveries = [one for one in records.deliveries(alert_id) if one.channel == "hook"]
    records.close()
    return lines, deliveries


def check_lines(lines: list[Transition]) -> None:
    """Each level once, in order, from the deadline that the line before had set; never early, and once however late."""
    assert lines[0].step is Step.OPENED
    assert lines[-1].after.handling is Handling.ACKNOWLEDGED
    escalated = [line for line in lines if line.step is Step.ESCALATED]
    assert [line.after.escalation_level for line in escalated] == list(range(1, len(escalated) + 1))
    late = {}
    for before, line in zip(lines, escalated, strict=False):
        due = before.after.deadline_at
        assert due is not None
        assert due == before.at + ESCALATE_S * SECOND
        assert line.cause == f"deadline:{due}:escalated"
        late[line.after.escalation_level] = (line.at - due) / SECOND
    assert all(0 <= seconds <= START_S for seconds in late.values()), late
    assert min(late.values()) <= ON_TIME_S, late


def check_notices(receiver: Receiver, lines: list[Transition], deliveries: list[Delivery]) -> None:
    calls = [line for line in lines if interrupts(line)]
    by_seq = {line.seq: line.after.escalation_level for line in calls}
    expected = {one.delivery_id: by_seq[one.seq] for one in deliveries if one.seq in by_seq}
    assert Counter(expected.values()) == Counter(by_seq.values()), "one person a level"
    arrived = levels(receiver)
    firing = {level: keys & expected.keys() for level, keys in arrived.items()}
    assert {level: len(keys) for level, keys in firing.items()} == dict.fromkeys(by_seq.values(), 1), (
        "none lost or doubled"
    )
    requests = Counter(request.key for request in receiver.got)
    repeated = {expected[key] for key in expected if requests[key] > 1}
    assert repeated == set(HELD_LEVELS), "only what was under way is sent again, under the same key"
    for key in expected:
        assert len({request.body for request in receiver.got if request.key == key}) == 1, "a repeat is the same notice"
