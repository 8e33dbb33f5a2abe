"""Senders, a broker and ingest as a model whose parts can be killed: for the property that no reading is lost or doubled.

The rules of the parts are those of the contract: a sender keeps a pack until ``cmd/ack`` covers it and sends it again with
back-off, lowest numbers first; the broker hands over again what was not acknowledged to it, unless it was killed itself.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ingest.count import Counts
from ingest.fair import Bounds, Dropped, FairQueue
from ingest.overflow import Overflow
from tests.unit.ingest.rig import NOW, Rig, pack
from vigil.runtime.mqtt import Message
from vigil.wire.resend import ResendRule

RULE = ResendRule(window=16)
Key = tuple[str, int, int]


@dataclass
class Held:
    payload: bytes
    attempts: int = 0
    due: float = 0.0


@dataclass
class Sender:
    """``answers``: it knows ``cmd/backfill``."""

    device_id: str
    answers: bool
    epoch: int = 0
    seq: int = 0
    online: bool = True
    held: dict[tuple[int, int], Held] = field(default_factory=dict)

    def returns(self) -> None:
        """With a new connection: nobody knows what the old one still delivered."""
        self.online = True
        for held in self.held.values():
            held.attempts, held.due = min(held.attempts, 1), 0.0

    def due(self, now: float) -> list[tuple[int, int]]:
        found = []
        for epoch in {epoch for epoch, _ in self.held}:
            oldest = min(seq for each, seq in self.held if each == epoch)
            found += [
                (each, seq)
                for (each, seq), held in self.held.items()
                if each == epoch and held.due <= now and (not held.attempts or RULE.in_window(seq, oldest))
            ]
        return sorted(found)


class Silent:
    """Stands for ``Overload``."""

    def note(self, dropped: Dropped) -> None:
        assert not dropped.too_fast

    def waiting_apart(self) -> frozenset[str]:
        return frozenset()


class World:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.rig = Rig(folder)
        self.senders = [Sender("w-1", answers=True), Sender("w-2", answers=False)]
        #: At the broker: not handed over yet, and handed over but not acknowledged.
        self.waiting: list[Message] = []
        self.unacknowledged: dict[int, Message] = {}
        self.sent: set[Key] = set()
        self.forgotten: set[Key] = set()
        self._mid = 0
        self._connected()

    # --- faults ----------------------------------------------------------------------------------------------------

    def kill_broker(self) -> None:
        self.waiting.clear()
        self.unacknowledged.clear()
        self.rig.gaps.lost_on_the_way()
        for sender in self.senders:
            if sender.online:
                sender.returns()

    def kill_core(self) -> None:
        """What it had not committed is handed over again."""
        self.rig.restart(self._folder)
        self._connected()

    def reset(self, sender: Sender) -> None:
        """A new epoch; what is held of the old one stays."""
        sender.epoch, sender.seq = sender.epoch + 1, 0

    def forget(self, sender: Sender) -> None:
        """Its memory is damaged: some packs that it holds are gone, at two places."""
        held = sorted(sender.held)
        for key in [*held[1:4], *held[6:7]]:
            self.forgotten.add((sender.device_id, *key))
            del sender.held[key]

    # --- life ------------------------------------------------------------------------------------------------------

    def measure(self, sender: Sender, packs: int) -> None:
        for _ in range(packs):
            key = (sender.epoch, sender.seq)
            at = NOW / 1e6 - 40_000 + len(self.sent)
            value = {"n": "hr", "v": 60 + len(self.sent) % 60}
            payload = json.dumps(pack(value, seq=sender.seq, epoch=sender.epoch, device=sender.device_id, at=at))
            sender.held[key] = Held(payload.encode())
            self.sent.add((sender.device_id, *key))
            sender.seq += 1

    def publish(self) -> None:
        now = self.rig.clock.monotonic()
        for sender in self.senders:
            for key in sender.due(now) if sender.online else ():
                held = sender.held[key]
                channel = "backfill" if held.attempts else "vitals"
                held.attempts += 1
                held.due = now + RULE.delay_s(held.attempts)
                topic = f"rpm/v1/home/d/{sender.device_id}/tel/{channel}"
                self._mid += 1
                self.waiting.append(Message(topic, held.payload, self._mid, 1, 1, self.rig.clock.now_us()))

    def hand_over(self, most: int) -> None:
        for message in self.waiting[:most]:
            self.unacknowledged[message.mid] = message
            for dropped in self._queue.offer(message):
                self._overflow.note(dropped)
        del self.waiting[:most]

    def commit(self, most: int) -> None:
        batch = self._queue.take(most, 10**9)
        self.rig.pipeline.run(batch)
        for message in batch:
            self._puback(message)
        self.rig.handed_on.next(0)

    def _puback(self, message: Message) -> None:
        self.unacknowledged.pop(message.mid, None)

    def flush(self) -> None:
        """Commands go out, and reach who is online. What a sender deletes must be stored; what it is told must be true."""
        self._overflow.flush()
        self.rig.pipeline.flush()
        told, self.rig.published[:] = list(self.rig.published), []
        asked, self.rig.asked[:] = list(self.rig.asked), []
        if told:
            stored, passed = self.stored(), self.passed()
            for topic, ack in told:
                self._take_ack(topic.split("/")[4], ack["epoch"], ack["seq"], stored, passed)
        for topic, question in asked:
            for sender in self.senders:
                if sender.online and sender.answers and sender.device_id == topic.split("/")[4]:
                    for (epoch, seq), held in sender.held.items():
                        if epoch == question["epoch"] and question["from"] <= seq <= question["to"]:
                            held.due = 0.0

    def _take_ack(self, device_id: str, epoch: int, last: int, stored: set[Key], passed: set[Key]) -> None:
        covered = {(device_id, epoch, seq) for seq in range(last + 1)}
        assert covered <= stored | passed, f"{device_id} {epoch} {last}: {sorted(covered - stored - passed)}"
        sender = next(each for each in self.senders if each.device_id == device_id)
        if sender.online:
            deleted = {key for key in sender.held if key[0] == epoch and key[1] <= last}
            assert {(device_id, *key) for key in deleted} <= stored, "told to delete what is not stored"
            for key in deleted:
                del sender.held[key]

    # --- what is there ---------------------------------------------------------------------------------------------

    def stored(self) -> set[Key]:
        return {(device, epoch, seq) for device, epoch, seqs in self.rig.store.packs() for seq in seqs.tolist()}

    def passed(self) -> set[Key]:
        questions = [(letter.device_id, json.loads(letter.payload)) for letter in self.rig.dead()]
        return {
            (device, asked["epoch"], seq)
            for device, asked in questions
            for seq in range(asked["from"], asked["to"] + 1)
        }

    def readings(self) -> Counter[tuple[int, int, int]]:
        """How often each (stream, epoch, seq) has a reading."""
        batch = self.rig.store.after(0, 1_000_000)
        return Counter(zip(batch.stream.tolist(), batch.epoch.tolist(), batch.seq.tolist(), strict=True))

    def _connected(self) -> None:
        rig = self.rig
        self._queue = FairQueue(Bounds(8, 1_000_000, 1_000_000, 0, 1, 0), rig.clock)
        self._overflow = Overflow(
            rig.gaps,
            rig.teller,
            Silent(),  # type: ignore[arg-type]  # only ``note`` is called
            rig.committer.keep,
            self._puback,
            rig.clock,
            Counts(rig.metrics),
        )
        again, self.unacknowledged = list(self.unacknowledged.values()), {}
        self.waiting = again + self.waiting
