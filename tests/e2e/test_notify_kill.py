"""``kill -9`` of the core while it sends: every notice arrives, none is lost, and a repeat says that it is one."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.stores.given import alert, opened
from tests.product import Product, eventually
from tests.receiver import Answer, Receiver, Request
from vigil.domain.deliveries import APP, Delivery, Target
from vigil.runtime.keys import load_keys
from vigil.store.records import SqlRecordStore

NOTICES = 200
#: The core is killed while the receiver holds back its answer to these, counted as they arrive.
KILLED_AT = (40, 120)


class Holding:
    """Answers, but for two requests that it has taken and never answers: the core dies waiting."""

    def __init__(self) -> None:
        self.count = 0
        self.held = [threading.Event() for _ in KILLED_AT]
        self.killed = [threading.Event() for _ in KILLED_AT]

    def __call__(self, _request: Request) -> Answer:
        self.count += 1
        if self.count in KILLED_AT:
            number = KILLED_AT.index(self.count)
            self.held[number].set()
            assert self.killed[number].wait(60)
            return None
        return 204, {}


def queue(data_dir: Path) -> list[Delivery]:
    """As analytics would: an alert each, with one notice to the receiver and one to the page."""
    records = SqlRecordStore(
        f"sqlite:///{data_dir / 'records.sqlite3'}", load_keys(data_dir, create=True).record_key.encode()
    )
    for number in range(NOTICES):
        made = alert(f"a-{number}", rule=f"r{number}", cause=f"ordinal:{number}:opened", resolved_reason="test")
        records.record(opened(made), [Target("hook", "Li Na"), Target(APP, "Li Na")])
    found = [one for number in range(NOTICES) for one in records.deliveries(f"a-{number}") if one.channel == "hook"]
    records.close()
    return found


@pytest.mark.timeout(240)
def test_kill_9_while_notices_are_sent(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    queued = queue(tmp_path / "data")
    holding = Holding()
    with Receiver(holding).listening() as receiver:
        (tmp_path / "hook.secret").write_text("open sesame")
        (tmp_path / "vigil.toml").write_text(
            f'[[channel]]\nname = "hook"\nkind = "webhook"\nurl = "{receiver.url}"\n'
            f'secret_file = "{tmp_path / "hook.secret"}"\nallow_internal = true\nallow_http = true\n'
        )
        with Product.started(tmp_path, arguments=("--config", str(tmp_path / "vigil.toml"))) as product:
            for held, killed in zip(holding.held, holding.killed, strict=True):
                assert held.wait(60)
                product.kill("run core")
                killed.set()
                eventually(lambda: product.children("run core"), 30, "the core was started again")
            eventually(lambda: len({one.key for one in receiver.got}) == NOTICES, 90, "every notice arrived")
            expected = {("hook", "delivered"): NOTICES, (APP, "sent"): NOTICES}
            eventually(lambda: states(product) == expected, 60, "every notice is on record as delivered")
    counts = Counter(one.key for one in receiver.got)
    assert counts.keys() == {one.delivery_id for one in queued}
    repeated = {key for key, count in counts.items() if count > 1}
    unanswered = {receiver.got[number - 1].key for number in KILLED_AT}
    assert repeated == unanswered, "only what was under way is repeated"
    for key in repeated:
        bodies = {one.body for one in receiver.got if one.key == key}
        assert len(bodies) == 1, "a repeat is the same notice"


def states(product: Product) -> Counter[tuple[str, str]]:
    """Channel and state of every notice on record; asked one alert at a time, because a killed core forgets its counters."""
    with product.client("nurse") as api:
        answers = [api.get(f"/api/v1/alerts/a-{number}/deliveries") for number in range(NOTICES)]
    return Counter((one["channel"], one["state"]) for answer in answers for one in answer.json()["items"])
