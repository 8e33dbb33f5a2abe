"""The stores as protocols. Embedded versions: DuckDB for readings, SQLAlchemy (SQLite) for records.

Any other version must pass the suite in ``tests/conformance/stores``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vigil.domain.alerts import Alert, Transition
from vigil.domain.burden import Course
from vigil.domain.deliveries import Attempt, Backlog, Delivery, Target
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.feedback import Feedback
from vigil.domain.pauses import Pause
from vigil.domain.people import Binding, Device, Patient
from vigil.domain.policy import Policy
from vigil.domain.readings import F64, I64, U16, U32, ReadingBatch, Stream
from vigil.domain.risk import ModelState, Prediction
from vigil.domain.scores import Score
from vigil.domain.teams import Team, TeamVersion
from vigil.store.audit import AuditRecords
from vigil.store.bedside import ContactRecords, NoteRecords, PauseRecords
from vigil.store.break_glass import BreakGlassRecords
from vigil.store.device_settings import DeviceSettingRecords
from vigil.store.enrolment import EnrolmentRecords
from vigil.store.erasure import ErasureRecords
from vigil.store.users import AccountRecords
from vigil.store.wearing import WearingRecords
from vigil.store.whose import WhoseRecords


@dataclass(frozen=True, slots=True)
class PackRow:
    """One pack that was stored or refused whole. ``digest``: u64 of the payload, to tell a re-send from a conflict."""

    device_id: str
    epoch: int
    seq: int
    outcome: int
    digest: int


#: ``PackRow.outcome``
STORED, DEAD = 0, 1


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused message or the refused values of one. ``values`` lists ``{"name", "reason", "detail"}`` where only some
    values were refused. ``dead_id`` is given by the store. ``payload`` is kept byte for byte."""

    received_at: int
    topic: str
    device_id: str
    reason: str
    detail: str
    payload: bytes
    values: tuple[dict[str, str], ...] = ()
    dead_id: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one micro-batch makes safe, in one transaction. ``readings.ordinal`` is filled by the store."""

    readings: ReadingBatch
    streams: Sequence[Stream]
    packs: Sequence[PackRow]
    dead_letters: Sequence[DeadLetter]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Down-sampled values: columns of equal length, empty buckets left out. ``start`` i64 µs; ``count`` u32 of the values
    that can be used, ``bad`` u32 of those that cannot (gated or NaN). Without a usable one the figures are NaN."""

    start: I64
    minimum: F64
    maximum: F64
    mean: F64
    last: F64
    count: U32
    bad: U32


@dataclass(frozen=True, slots=True)
class Latest:
    """Newest *valid* value (quality not gated) of every stream, indexed by stream number; ``measured_at`` 0 = none yet.

    ``seen_at`` i64: measured time of the newest value of any quality; ``seen_quality`` u16 its quality.
    The arrays may be longer than the number of streams.
    """

    measured_at: I64
    received_at: I64
    value: F64
    quality: U16
    seen_at: I64
    seen_quality: U16


#: A ``limit`` of ``range`` that leaves nothing out.
EVERY_READING = 2_000_000_000


class ReadingHistory(Protocol):
    """What judging needs of the readings: what is stored, in the order of its commits. Safe to use from several threads."""

    def streams(self) -> list[Stream]: ...

    def after(self, ordinal: int, limit: int) -> ReadingBatch:
        """Readings with a greater ordinal, in order of ordinal."""
        ...

    def head(self) -> int:
        """The greatest ordinal given so far; 0 when there is none."""
        ...

    def range(self, streams: Sequence[int], start: int, end: int, limit: int) -> ReadingBatch:
        """Readings with start <= measured_at < end, ordered by measured time then ordinal; the newest ``limit`` of them."""
        ...

    def append_scores(self, scores: Sequence[Score]) -> None: ...


class PredictionStore(Protocol):
    """What the risk models said, append-only. Safe to use from several threads."""

    def append_predictions(self, predictions: Sequence[Prediction]) -> None:
        """All of them or none. Raises ``StoreError`` when one has no number for its probability."""
        ...

    def predictions(
        self,
        patient_id: str,
        start: int,
        end: int,
        limit: int,
        *,
        model: str | None = None,
        state: ModelState | None = None,
    ) -> list[Prediction]:
        """Those with start <= ``at`` < end, oldest first; the newest ``limit`` of them. None = of every model, of every state."""
        ...

    def latest_predictions(self) -> list[Prediction]:
        """The newest by ``at`` of each (patient, model), ordered by these; of several for one moment the last that was stored."""
        ...


class ReadingStore(ReadingHistory, PredictionStore, Protocol):
    """Append-only store of readings, packs, dead letters, scores and predictions. Safe to use from several threads."""

    def commit(self, batch: Commit) -> ReadingBatch:
        """One transaction, one fsync. Returns the readings with their ordinals (consecutive, over all history)."""
        ...

    def packs(self) -> Iterator[tuple[str, int, np.ndarray[tuple[int], np.dtype[np.uint32]]]]:
        """(device, epoch, sorted committed seqs) of all history, to rebuild de-duplication."""
        ...

    def pack_digest(self, device_id: str, epoch: int, seq: int) -> int | None: ...

    def has_unsequenced(self, keys: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Which of (stream, device_time) are stored already from senders without seq."""
        ...

    def latest(self) -> Latest: ...

    def buckets(self, streams: Sequence[int], start: int, end: int, points: int) -> Buckets:
        """At most ``points`` buckets of ceil((end - start) / points) µs from ``start``; the streams are pooled; gated and NaN
        values are counted apart. Raises ``InvalidInput`` when ``points`` < 1. What was measured before ``whole_since`` counts by
        whole hours UTC inside [start, end), each in the bucket in which it begins."""
        ...

    def whole_since(self) -> int:
        """Microseconds: ``range`` has nothing that was measured before then, as only roll-ups are kept. 0 = it has everything."""
        ...

    def delivered(self, device_id: str, since: int) -> int:
        """How many readings of the device were received at or after ``since``."""
        ...

    def dead_letters(
        self, limit: int, before_id: int | None, device_id: str | None, reason: str | None
    ) -> list[DeadLetter]:
        """Newest first."""
        ...

    def scores(self, patient_id: str, start: int, end: int, limit: int) -> list[Score]:
        """Oldest first; the newest ``limit`` of them."""
        ...

    def worst_scores(self, patient_id: str, start: int, end: int, points: int) -> list[Score]:
        """Oldest first: of each of ``points`` equal spans of [start, end) the score of the greatest total or lower bound."""
        ...

    def close(self) -> None: ...


class WardRecords(Protocol):
    """What judging needs of the records: who wears what under which policy, and the alerts. Safe to use from several threads.

    The synthetic patients of the self-test, their alerts and log lines are left out unless ``include_test`` asks for them, or the
    patient or alert is named.
    """

    def patients(self, *, include_discharged: bool = False, include_test: bool = False) -> list[Patient]: ...

    def devices(self) -> list[Device]: ...

    def bindings(self) -> list[Binding]:
        """All, ended ones too, ordered by device and start."""
        ...

    def revision(self) -> int:
        """Grows with every change to patients, devices, bindings, policies or pauses: readers with a cache compare it."""
        ...

    def policy(self, patient_id: str) -> Policy | None:
        """What the documents of the programme, the ward and the patient make of the default, with its schedules; None = they say
        nothing, or there is no such patient. The same object for the same documents."""
        ...

    def newest_pauses(self) -> list[Pause]:
        """The newest planned pause of each patient who ever had one, over or not, without its reason."""
        ...

    def teams(self) -> list[Team]:
        """The newest version of each team."""
        ...

    def record(self, transition: Transition, targets: Sequence[Target] = ()) -> Transition | None:
        """Stores the log line, ``transition.after`` and a delivery for each target in one transaction and returns the line with
        its ``seq``; who acknowledges or accepts an alert has accepted his own deliveries of it. None when
        (patient, rule, cause) was recorded before. Raises ``VersionConflict`` when ``after.version - 1`` is not what is stored
        (version 1 = the alert does not exist yet)."""
        ...

    def alerts(
        self,
        *,
        patient_id: str | None = None,
        open_only: bool = False,
        resolved_since: int | None = None,
        limit: int = 10_000,
        include_test: bool = False,
    ) -> list[Alert]:
        """Newest opening first. ``resolved_since`` keeps, of the resolved ones, those resolved at or after it."""
        ...

    def transitions(
        self, *, after_seq: int = 0, alert_id: str | None = None, limit: int = 10_000, include_test: bool = False
    ) -> list[Transition]:
        """In order of ``seq``."""
        ...

    def last_seq(self) -> int: ...

    def true_share(self) -> dict[str, tuple[int, int]]:
        """By rule (``vigil.domain.feedback.rule_name``): alerts that were true, and alerts that somebody has judged."""
        ...


class DeliveryRecords(Protocol):
    """The outbox: what ``record`` put in, for the channels to send. Safe to use from several threads."""

    def transitions(
        self, *, after_seq: int = 0, alert_id: str | None = None, limit: int = 10_000
    ) -> list[Transition]: ...

    def deliveries(self, alert_id: str) -> list[Delivery]:
        """In the order of the log."""
        ...

    def attempts(self, alert_id: str) -> list[Attempt]:
        """Each try to send a delivery of the alert, oldest first."""
        ...

    def due_deliveries(self, channel: str, now: int, limit: int) -> list[Delivery]:
        """Queued and due at ``now``: the most urgent first, then in the order of the log."""
        ...

    def attempted(self, attempt: Attempt) -> None:
        """Keeps the try and moves a queued delivery on. Raises ``NotFound``."""
        ...

    def abandon(self, channels: Collection[str], why: str) -> int:
        """Fails what waits for any other channel than these; how many."""
        ...

    def seen(self, alert_id: str, person: str, at: int) -> None:
        """The person has the alert before his eyes: his in-app deliveries of it are seen. Again = no change."""
        ...

    def backlog(self) -> list[Backlog]:
        """A line a channel in which something waits."""
        ...


class RecordStore(
    WardRecords,
    DeliveryRecords,
    EnrolmentRecords,
    DeviceSettingRecords,
    AuditRecords,
    WearingRecords,
    WhoseRecords,
    Protocol,
):
    """Patients, devices, bindings, policies, alerts. Safe to use from several threads. ``accounts``: who may log in;
    ``break_glass``: who opened a record in an emergency; ``erasures``: of persons; ``notes``, ``contacts`` and ``pauses``: what
    people keep with a patient."""

    accounts: AccountRecords
    break_glass: BreakGlassRecords
    erasures: ErasureRecords
    notes: NoteRecords
    contacts: ContactRecords
    pauses: PauseRecords

    def add_patient(self, patient: Patient) -> None:
        """Raises ``InvalidInput`` when the id exists."""
        ...

    def patient(self, patient_id: str) -> Patient:
        """Raises ``NotFound``."""
        ...

    def discharge(self, patient_id: str, at: int) -> None:
        """Ends the watch and every running binding of the patient; again = no change. Raises ``NotFound``."""
        ...

    def put_device(self, device: Device) -> None:
        """Adds or replaces."""
        ...

    def bind(self, device_id: str, patient_id: str, start: int) -> Binding:
        """Ends the device's running binding at ``start`` if it is another patient's. Binding again to the same patient
        returns the running binding, or continues one that ended after ``start``. Raises ``NotFound`` or ``InvalidInput`` (the
        moment belongs to somebody else)."""
        ...

    def claim(self, device_id: str, patient_id: str, start: int, end: int) -> Binding:
        """Says whose a past span [start, end) was in which nobody wore the device. Raises ``NotFound`` or ``InvalidInput``
        (part of it belongs to somebody)."""
        ...

    def unbind(self, device_id: str, end: int) -> Binding | None: ...

    def put_policy(self, document: PolicyDocument, after: int | None = None) -> PolicyDocument:
        """Adds a version and returns it with its number; earlier ones are kept. Raises ``NotFound`` for an unknown patient,
        ``VersionConflict`` when the newest version is not ``after`` (0 = there is none)."""
        ...

    def policy_documents(self) -> list[PolicyDocument]:
        """The newest version of each."""
        ...

    def policy_history(self, scope: Scope, name: str) -> list[PolicyDocument]:
        """Every version, newest first."""
        ...

    def put_team(self, team: Team, author: str, reason: str, at: int) -> None:
        """Adds a version; earlier ones are kept. ``at``: microseconds UTC. Raises ``TeamError``: the ward has another team."""
        ...

    def team_history(self, team_id: str) -> list[TeamVersion]:
        """Newest first; the first one holds. Raises ``NotFound``."""
        ...

    def alert(self, alert_id: str) -> Alert:
        """Raises ``NotFound``."""
        ...

    def add_feedback(self, feedback: Feedback) -> None:
        """Earlier words are kept; the same again = no change. Raises ``NotFound``, ``InvalidInput`` (the self-test's alert)."""
        ...

    def feedback(self, alert_id: str) -> list[Feedback]:
        """Every word, oldest first."""
        ...

    def courses(self, since: int, until: int) -> list[Course]:
        """What happened in [since, until), server time, to each alert with a log line in it."""
        ...

    def forget_self_tests(self, before: int) -> int:
        """Deletes the log lines of the self-test recorded before then, and its alerts that were resolved before; how many lines.
        Real patients' lines are never deleted."""
        ...

    def close(self) -> None: ...
