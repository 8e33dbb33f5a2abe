"""What is known right now, kept in memory: each patient's latest score and coverage. Written by analytics, read by api."""

from __future__ import annotations

from vigil.bus.asking import Asking
from vigil.bus.topic import Topic
from vigil.domain.alerts import Transition
from vigil.domain.presence import Seen
from vigil.domain.readings import ReadingBatch
from vigil.domain.scores import Coverage, Score


class Board:
    """Values are immutable and replaced whole, so a reader in another thread never sees half of one.

    ``tick`` counts changes: a reader that remembers it can tell whether anything is new. ``judged_at``: server time of the last
    second that was judged to its end, 0 = none yet; when it stands still, nothing here is about now.
    """

    def __init__(self) -> None:
        self._scores: dict[str, Score] = {}
        self._coverage: dict[str, Coverage] = {}
        self.tick = 0
        self.judged_at = 0

    def put_score(self, score: Score) -> None:
        self._scores[score.patient_id] = score
        self.tick += 1

    def put_coverage(self, coverage: Coverage) -> None:
        self._coverage[coverage.patient_id] = coverage
        self.tick += 1

    def forget(self, patient_id: str) -> None:
        self._scores.pop(patient_id, None)
        self._coverage.pop(patient_id, None)
        self.tick += 1

    def score(self, patient_id: str) -> Score | None:
        return self._scores.get(patient_id)

    def coverage(self, patient_id: str) -> Coverage | None:
        return self._coverage.get(patient_id)


class Bus:
    """The meeting places of one core process.

    ``readings``: batches after their commit, with ordinals. ``transitions``: alert log lines after theirs, with ``seq``.
    ``presence``: what devices and gateways last said of themselves, by name; ingest replaces each whole, the api reads.
    ``asking``: who was asked to measure now.
    """

    def __init__(self) -> None:
        self.readings: Topic[ReadingBatch] = Topic("readings")
        self.transitions: Topic[Transition] = Topic("transitions")
        self.board = Board()
        self.presence: dict[str, Seen] = {}
        self.asking = Asking()
