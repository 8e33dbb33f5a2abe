"""Copies committed readings from the journal to InfluxDB, in order of ordinal, however long the server is away.

Ingest and alarms never wait for it: it reads what is committed, and its place is a checkpoint. A reading is sent at least
once; the same one always makes the same point. What the server does not take whatever is tried is set aside and told, so that
one bad reading holds back no other, and is tried again each hour and at each start. The numbers are ours.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from vigil.domain.errors import StoreError
from vigil.domain.phrases import Phrase, english, phrase
from vigil.domain.readings import ReadingBatch
from vigil.domain.times import HOUR, SECOND
from vigil.runtime.clock import Clock
from vigil.runtime.metrics import Metrics
from vigil.runtime.supervise import attempt, guard
from vigil.store import ReadingHistory
from vigil.store.influx.answers import Answer, Verdict
from vigil.store.influx.checkpoint import Aside, load, save
from vigil.store.influx.lines import heads, lines

_LOG = logging.getLogger(__name__)
#: Readings in one write, as InfluxDB's makers advise (5,000 lines).
BATCH = 5000
#: A server that was gone may have lost what it took last: this much before the failure is sent once more, and so at each start.
OVERLAP = 50_000
#: Seconds between two looks while nothing waits.
IDLE_S = 1.0
#: Waits after a failure double from the first to the last, and are up to ``JITTER`` longer, so that cores do not knock together.
FIRST_WAIT_S, LONGEST_WAIT_S, JITTER = 1.0, 60.0, 0.25
#: Writes spent on finding which readings of a batch are refused; few once a whole batch was.
TRIES, FEW_TRIES = 64, 8
AGAIN_US = HOUR
#: A copy that is behind by more than this is told as trouble.
LATE_US = 60 * SECOND
#: Beyond any ordinal.
NO_END = 2**63 - 1
_JOIN_S = 2.0


class Server(Protocol):
    @property
    def target(self) -> str: ...
    def prepare(self) -> Answer: ...
    def write(self, lines: list[str]) -> Answer: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """For an operator. ``behind``: readings; ``late_s``: how long the oldest of them has waited."""

    ok: bool
    said: Phrase
    behind: int
    late_s: float

    @property
    def words(self) -> str:
        return english(self.said)


class Forwarder:
    """``step`` drives it by hand, ``start`` in a thread of its own. ``random`` spreads the waits."""

    def __init__(
        self,
        journal: ReadingHistory,
        server: Server,
        path: Path,
        clock: Clock,
        metrics: Metrics,
        random: Random,
        *,
        batch: int = BATCH,
        overlap: int = OVERLAP,
    ) -> None:
        self._journal, self._server, self._path = journal, server, path
        self._clock, self._random, self._overlap = clock, random, overlap
        self._checkpoint = self._saved = load(path, server.target, journal.head())
        #: From where to send, and how far back the last failure has led.
        self._next = self._backed = max(self._checkpoint.position - overlap, 0)
        self._size = self._most = batch
        self._heads: dict[int, str] = {}
        self._prepared, self._gone, self._note, self._trouble, self._failures = False, False, "", "", 0
        self._tries = TRIES
        self._told: set[str] = set()
        self._again = list(self._checkpoint.aside)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._count = metrics.counter(
            "store_influx_readings_total", "Readings for InfluxDB, by what came of them", ["outcome"]
        )
        self._writes = metrics.counter("store_influx_writes_total", "Writes to InfluxDB, by its answer", ["verdict"])
        self._behind = metrics.gauge("store_influx_behind_readings", "Readings not yet copied to InfluxDB")
        self._late = metrics.gauge("store_influx_late_seconds", "How long the oldest of them has waited")
        self._set_aside = metrics.gauge("store_influx_aside_readings", "Readings that InfluxDB refuses, set aside")

    def start(self, on_crash: Callable[[str, Exception], None]) -> None:
        self._thread = threading.Thread(target=guard("influx", self._run, on_crash), name="influx", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What is under way may not end in time; it is sent again at the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=_JOIN_S)

    def step(self) -> float:
        """One batch, and how many seconds to wait before the next one."""
        try:
            wait_s = self._step()
            self._measure()
        except StoreError as error:  # the journal's or the checkpoint's: both may pass
            return self._failed(str(error))
        return wait_s

    def uncopied(self) -> list[tuple[int, int]]:
        """First and last ordinal of each span in which readings are not confirmed to be there; the last one has no end."""
        known = self._checkpoint  # as it stood at one moment: whoever forgets days goes by it
        return [*((one.first, one.last) for one in known.aside), (known.position + 1, NO_END)]

    def standing(self) -> Standing:
        """Raises ``StoreError``."""
        behind, late_us = self._lag()
        aside = self._checkpoint.aside
        said = [phrase("check.up_to_date")]
        if behind:
            said = [phrase("check.influx.behind", readings=behind, waited=late_us // SECOND)]
        if self._trouble:
            said.append(phrase("check.influx.trouble", why=self._trouble))
        if aside:
            count, why = sum(one.count for one in aside), aside[-1].why
            said.append(phrase("check.influx.aside", readings=count, why=why))
        if self._note:
            said.append(phrase("check.influx.note", why=self._note))
        ok = not (self._trouble or aside or self._note or late_us > LATE_US)
        return Standing(ok, phrase("check.parts", parts=said), behind, late_us / SECOND)

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait_s = self._safe_step()
            if wait_s:
                self._stopping.wait(wait_s)
        self._server.close()

    def _safe_step(self) -> float:
        """A fault in here, or in the client, is one more failure: the copy may never end the core."""
        waits: list[float] = []
        error = attempt("the copy to InfluxDB", lambda: waits.append(self.step()))
        return waits[0] if error is None else self._failed(f"the copy to InfluxDB failed: {type(error).__name__}")

    def _step(self) -> float:
        if not self._prepared:
            answer = self._server.prepare()
            # Whoever may only write is told neither buckets nor organisations: the first write shows what is wrong.
            self._prepared = not answer.gone
            self._note = answer.why if answer.verdict is Verdict.WRITTEN else ""
            if answer.gone:
                return self._fail(answer)
        page = self._journal.after(self._next, self._size)
        if len(page):
            return self._send(page, self._took)
        now = self._clock.now_us()
        if not self._again:
            self._again = [one for one in self._checkpoint.aside if now - one.at >= AGAIN_US]
        if self._again:
            return self._retry(self._again[0])
        self._save()
        self._failures, self._trouble = 0, ""  # nothing waits, so nothing is wrong
        return IDLE_S

    # --- one batch ---------------------------------------------------------------------------------------------

    def _send(self, page: ReadingBatch, took: Callable[[ReadingBatch, str], None]) -> float:
        """In order. ``took`` is told each part that is done with, and why it is refused; the rest waits when something fails."""
        parts, tries, refused = [page], self._tries, 0
        while parts:
            part = parts.pop()
            if len(part) > self._most:
                parts += _halves(part)
                continue
            sent = self._lines(part)
            answer = self._server.write(sent)
            self._writes.labels(answer.verdict.value).inc()
            if answer.verdict in (Verdict.LATER, Verdict.SETTINGS):
                self._save()
                return self._fail(answer)
            if answer.verdict is Verdict.TOO_LARGE and len(part) > 1:
                self._size = self._most = len(part) // 2
                parts.append(part)
                continue
            tries -= 1
            if answer.verdict is Verdict.REFUSED and len(part) > 1 and tries > 0:
                parts += _halves(part)
                continue
            if answer.verdict in (Verdict.REFUSED, Verdict.TOO_LARGE):
                refused += len(part)
                took(part, answer.why)
                continue
            self._count.labels("written").inc(max(len(sent) - answer.dropped, 0))
            self._count.labels("expired").inc(answer.dropped)
            took(part, "")
        self._tries = FEW_TRIES if refused == len(page) else TRIES
        self._failures, self._trouble, self._gone = 0, "", False
        self._size = min(2 * self._size, self._most)
        self._save()
        return 0.0

    def _took(self, part: ReadingBatch, why: str) -> None:
        first, last = int(part.ordinal[0]), int(part.ordinal[-1])
        known = any(one.first <= first and last <= one.last for one in self._checkpoint.aside)
        if why and not known:  # it may have been sent before
            self._count.labels("set_aside").inc(len(part))
            if why not in self._told:
                self._told.add(why)
                _LOG.error("%s: readings are set aside, the first has ordinal %d", why, first)
            span = Aside(first, last, len(part), why, self._clock.now_us())
            self._checkpoint = self._checkpoint.with_aside(span)
        self._next = last
        self._checkpoint = self._checkpoint.moved(last)

    def _retry(self, span: Aside) -> float:
        """A page of what is set aside. If that is refused whole, so will be the rest: it waits for another hour."""
        page = self._journal.after(span.first - 1, min(self._size, span.last - span.first + 1))
        page = page.take(page.ordinal <= span.last)
        if not len(page):  # forgotten while the settings named no InfluxDB
            self._checkpoint = self._checkpoint.without(span)
            self._again.pop(0)
            self._save()
            return 0.0
        refused: list[Aside] = []
        now = self._clock.now_us()

        def took(part: ReadingBatch, why: str) -> None:
            if why:
                refused.append(Aside(int(part.ordinal[0]), int(part.ordinal[-1]), len(part), why, now))

        wait_s = self._send(page, took)
        if self._trouble:
            return wait_s
        last = int(page.ordinal[-1])
        rest = Aside(last + 1, span.last, min(span.count, span.last - last), span.why, now)
        left = [rest] if last < span.last else []
        self._again[:1] = left if self._tries == TRIES else []
        checkpoint = self._checkpoint.without(span)
        for one in [*refused, *left]:
            checkpoint = checkpoint.with_aside(one)
        self._checkpoint = checkpoint  # at once: in between nothing may look as if it were confirmed
        self._save()
        return wait_s

    def _lines(self, part: ReadingBatch) -> list[str]:
        if not set(part.stream.tolist()) <= self._heads.keys():
            self._heads = heads(self._journal.streams())
        return lines(part, self._heads)

    # --- what went wrong, and where it stands ------------------------------------------------------------------

    def _fail(self, answer: Answer) -> float:
        if answer.gone and not self._gone:
            # Not further back than the last time, or a server that keeps dying would be sent the same for ever.
            start = max(self._checkpoint.position - self._overlap, self._backed)
            self._gone, self._backed, self._next = True, self._checkpoint.position, min(start, self._next)
        if answer.verdict is Verdict.SETTINGS:
            self._server.close()  # the token may have been put right
            self._prepared = False  # and the bucket may be missing
        elif not answer.gone:
            self._size = max(self._size // 2, 1)
        return self._failed(answer.why, answer.wait_s)

    def _failed(self, why: str, asked_s: float = 0.0) -> float:
        self._failures += 1
        if why != self._trouble:
            _LOG.warning("%s; readings wait in the journal", why)
        self._trouble = why
        return self._wait_s(asked_s)

    def _wait_s(self, asked_s: float) -> float:
        doubled = FIRST_WAIT_S * 2.0 ** min(max(self._failures - 1, 0), 30)
        return max(min(doubled, LONGEST_WAIT_S), asked_s) * (1 + JITTER * self._random.random())

    def _save(self) -> None:
        if self._checkpoint != self._saved:
            save(self._path, self._checkpoint)
            self._saved = self._checkpoint

    def _lag(self) -> tuple[int, int]:
        position = self._checkpoint.position
        behind = max(self._journal.head() - position, 0)
        oldest = self._journal.after(position, 1) if behind else ReadingBatch.empty()
        late_us = self._clock.now_us() - int(oldest.received_at[0]) if len(oldest) else 0
        return behind, max(late_us, 0)

    def _measure(self) -> None:
        behind, late_us = self._lag()
        self._behind.set(behind)
        self._late.set(late_us / SECOND)
        self._set_aside.set(sum(one.count for one in self._checkpoint.aside))


def _halves(part: ReadingBatch) -> list[ReadingBatch]:
    """The second one first: they are taken from the end."""
    middle = len(part) // 2
    return [part.take(slice(middle, None)), part.take(slice(None, middle))]
