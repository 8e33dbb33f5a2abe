"""``SqlRecordStore``: the protocol ``RecordStore`` over SQLite or another SQL database."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, insert, select

from vigil.domain.alerts import Alert, Transition
from vigil.domain.audit import Entry, Line, Question
from vigil.domain.burden import Course
from vigil.domain.deliveries import Attempt, Backlog, Delivery, Target
from vigil.domain.device_settings import Answer, DeviceSettings
from vigil.domain.effective import PolicyDocument, Scope
from vigil.domain.enrolment import Claim, Enrolment, Outcome, TakenOver
from vigil.domain.errors import ConfigError, StoreError
from vigil.domain.feedback import Feedback
from vigil.domain.pauses import Pause
from vigil.domain.people import Binding, Device, Patient
from vigil.domain.policy import Policy
from vigil.domain.teams import Team, TeamVersion
from vigil.domain.wearing import Word
from vigil.domain.whose import Answer as WhoseAnswer
from vigil.domain.whose import WhoseQuestion
from vigil.store.bedside import ContactRecords, NoteRecords, PauseRecords
from vigil.store.break_glass import BreakGlassRecords
from vigil.store.erasure import ErasureRecords
from vigil.store.records.alerts import Alerts
from vigil.store.records.audit import AuditBook
from vigil.store.records.bedside import SqlContacts, SqlNotes
from vigil.store.records.break_glass import SqlBreakGlass
from vigil.store.records.burden import courses
from vigil.store.records.database import Database
from vigil.store.records.deliveries import Deliveries
from vigil.store.records.device_settings import SettingsBook
from vigil.store.records.enrolment import Enrolments
from vigil.store.records.erasure import SqlErasures
from vigil.store.records.feedback import FeedbackBook
from vigil.store.records.names import Names
from vigil.store.records.pauses import SqlPauses, newest_pauses
from vigil.store.records.people import People
from vigil.store.records.policies import Policies
from vigil.store.records.tables import Tables, build
from vigil.store.records.teams import Teams
from vigil.store.records.unchanged import Commits
from vigil.store.records.users import SqlAccounts
from vigil.store.records.wearing import WearingBook
from vigil.store.records.whose import WhoseBook
from vigil.store.users import AccountRecords

_CHECK = b"vigil"


class SqlRecordStore:
    """Opens ``url`` (``sqlite:///<file>`` by default) and migrates it. ``key``: a Fernet key, 32 bytes in url-safe base64,
    that seals name and date of birth. ``told_of_ends``: channels that hear of an alert's end as well as of its call.
    ``patience_s``: how long a call waits for a server that is away.

    Raises ``ConfigError`` for a URL or key that cannot be used, ``StoreError`` for a key that is not the one the database
    was made with, and on every call when the database fails. Writers of this process wait for one another.
    """

    def __init__(self, url: str, key: bytes, told_of_ends: Collection[str] = (), patience_s: float = 0.0) -> None:
        try:
            box = Fernet(key)
        except ValueError as error:
            raise ConfigError("the key of the records database must be 32 bytes in url-safe base64") from error
        tables = build(box)
        self._people, self._alerts = People(tables, Names(tables, box)), Alerts(tables)
        self._deliveries = Deliveries(tables, told_of_ends)
        self._policies = Policies(tables)
        self._teams = Teams(tables)
        self._tables, self._feedback = tables, FeedbackBook(tables)
        self._enrolments = Enrolments(tables)
        self._settings = SettingsBook(tables)
        self._wearing = WearingBook(tables)
        self._audit = AuditBook(tables)
        self._whose = WhoseBook(tables)
        self._database = Database(url, patience_s)
        self._commits = Commits(self._database.file)
        self._revision: tuple[int | None, int] = (None, 0)
        self._log_end: tuple[int | None, int] = (None, 0)
        self.accounts: AccountRecords = SqlAccounts(self._database, tables)
        self.break_glass: BreakGlassRecords = SqlBreakGlass(self._database, tables)
        names = Names(tables, box)
        self.notes: NoteRecords = SqlNotes(self._database, tables, names)
        self.contacts: ContactRecords = SqlContacts(self._database, tables, names)
        self.pauses: PauseRecords = SqlPauses(self._database, tables, names)
        erasures = SqlErasures(self._database, tables, box)
        self.erasures: ErasureRecords = erasures
        fits = False
        try:
            with self._database.write() as con:
                _check_key(con, tables, box)
            erasures.seal_old_names()
            fits = True
        finally:
            if not fits:
                self._database.close()

    def add_patient(self, patient: Patient) -> None:
        with self._database.write() as con:
            self._people.add_patient(con, patient)

    def patients(self, *, include_discharged: bool = False, include_test: bool = False) -> list[Patient]:
        with self._database.read() as con:
            return self._people.patients(con, include_discharged, include_test)

    def patient(self, patient_id: str) -> Patient:
        with self._database.read() as con:
            return self._people.patient(con, patient_id)

    def discharge(self, patient_id: str, at: int) -> None:
        with self._database.write() as con:
            self._people.discharge(con, patient_id, at)

    def put_device(self, device: Device) -> None:
        with self._database.write() as con:
            self._people.put_device(con, device)

    def devices(self) -> list[Device]:
        with self._database.read() as con:
            return self._people.devices(con)

    def bind(self, device_id: str, patient_id: str, start: int) -> Binding:
        with self._database.write() as con:
            return self._people.bind(con, device_id, patient_id, start)

    def claim(self, device_id: str, patient_id: str, start: int, end: int) -> Binding:
        with self._database.write() as con:
            return self._people.claim(con, device_id, patient_id, start, end)

    def unbind(self, device_id: str, end: int) -> Binding | None:
        with self._database.write() as con:
            return self._people.unbind(con, device_id, end)

    def bindings(self) -> list[Binding]:
        with self._database.read() as con:
            return self._people.bindings(con)

    def revision(self) -> int:
        seen, known = self._commits.seen(), self._revision
        if seen is not None and seen == known[0]:
            return known[1]
        with self._database.read() as con:
            found = self._people.revision(con)
        self._revision = (seen, found)
        return found

    def put_policy(self, document: PolicyDocument, after: int | None = None) -> PolicyDocument:
        with self._database.write() as con:
            return self._policies.put(con, document, after)

    def policy_documents(self) -> list[PolicyDocument]:
        with self._database.read() as con:
            return self._policies.newest(con)

    def policy_history(self, scope: Scope, name: str) -> list[PolicyDocument]:
        with self._database.read() as con:
            return self._policies.history(con, scope, name)

    def policy(self, patient_id: str) -> Policy | None:
        with self._database.read() as con:
            return self._policies.policy(con, patient_id)

    def newest_pauses(self) -> list[Pause]:
        with self._database.read() as con:
            return newest_pauses(con, self._tables)

    def put_team(self, team: Team, author: str, reason: str, at: int) -> None:
        with self._database.write() as con:
            self._teams.put(con, TeamVersion(team, author, reason, at))

    def teams(self) -> list[Team]:
        with self._database.read() as con:
            return self._teams.newest(con)

    def team_history(self, team_id: str) -> list[TeamVersion]:
        with self._database.read() as con:
            return self._teams.history(con, team_id)

    def record(self, transition: Transition, targets: Sequence[Target] = ()) -> Transition | None:
        with self._database.write() as con:
            recorded = self._alerts.record(con, transition)
            if recorded is not None:
                self._deliveries.queue(con, recorded, targets)
            return recorded

    def alert(self, alert_id: str) -> Alert:
        with self._database.read() as con:
            return self._alerts.alert(con, alert_id)

    def alerts(
        self,
        *,
        patient_id: str | None = None,
        open_only: bool = False,
        resolved_since: int | None = None,
        limit: int = 10_000,
        include_test: bool = False,
    ) -> list[Alert]:
        with self._database.read() as con:
            return self._alerts.alerts(con, patient_id, open_only, resolved_since, limit, include_test)

    def transitions(
        self, *, after_seq: int = 0, alert_id: str | None = None, limit: int = 10_000, include_test: bool = False
    ) -> list[Transition]:
        seen, tail = self._commits.seen(), alert_id is None and include_test
        if tail and seen is not None and (seen, after_seq) == self._log_end:
            return []  # asked all the time by who follows the log
        with self._database.read() as con:
            found = self._alerts.transitions(con, after_seq, alert_id, limit, include_test)
        if tail and len(found) < limit:
            self._log_end = (seen, found[-1].seq if found else after_seq)
        return found

    def forget_self_tests(self, before: int) -> int:
        with self._database.write() as con:
            return self._alerts.forget_self_tests(con, before)

    def last_seq(self) -> int:
        with self._database.read() as con:
            return self._alerts.last_seq(con)

    def deliveries(self, alert_id: str) -> list[Delivery]:
        with self._database.read() as con:
            return self._deliveries.of_alert(con, alert_id)

    def attempts(self, alert_id: str) -> list[Attempt]:
        with self._database.read() as con:
            return self._deliveries.attempts(con, alert_id)

    def due_deliveries(self, channel: str, now: int, limit: int) -> list[Delivery]:
        with self._database.read() as con:
            return self._deliveries.due(con, channel, now, limit)

    def attempted(self, attempt: Attempt) -> None:
        with self._database.write() as con:
            self._deliveries.attempted(con, attempt)

    def abandon(self, channels: Collection[str], why: str) -> int:
        with self._database.write() as con:
            return self._deliveries.abandon(con, channels, why)

    def seen(self, alert_id: str, person: str, at: int) -> None:
        with self._database.write() as con:
            self._deliveries.seen(con, alert_id, person, at)

    def backlog(self) -> list[Backlog]:
        with self._database.read() as con:
            return self._deliveries.backlog(con)

    def add_feedback(self, feedback: Feedback) -> None:
        with self._database.write() as con:
            self._feedback.add(con, feedback)

    def feedback(self, alert_id: str) -> list[Feedback]:
        with self._database.read() as con:
            return self._feedback.of_alert(con, alert_id)

    def true_share(self) -> dict[str, tuple[int, int]]:
        with self._database.read() as con:
            return self._feedback.true_share(con)

    def courses(self, since: int, until: int) -> list[Course]:
        with self._database.read() as con:
            return courses(con, self._tables, since, until, self._feedback.verdicts(con))

    def put_claim(self, claim: Claim) -> None:
        with self._database.write() as con:
            self._enrolments.put(con, claim)

    def redeem(self, code_hash: str | None, named: str | None, at: int) -> tuple[Outcome, Claim | None]:
        with self._database.write() as con:
            return self._enrolments.redeem(con, code_hash, named, at)

    def log_enrolment(self, line: Enrolment) -> None:
        with self._database.write() as con:
            self._enrolments.log(con, line)

    def enrolments(self, account: str, limit: int = 1000) -> list[Enrolment]:
        with self._database.read() as con:
            return self._enrolments.of_account(con, account, limit)

    def taken_over(self) -> dict[str, TakenOver]:
        with self._database.read() as con:
            return self._enrolments.taken_over(con)

    def put_settings(self, settings: DeviceSettings, after: int | None = None) -> DeviceSettings:
        with self._database.write() as con:
            return self._settings.put(con, settings, after)

    def settings_history(self, device_id: str) -> list[DeviceSettings]:
        with self._database.read() as con:
            return self._settings.history(con, device_id)

    def wanted_settings(self) -> list[DeviceSettings]:
        with self._database.read() as con:
            return self._settings.newest(con)

    def answer_settings(self, device_id: str, version: int, answer: Answer) -> bool:
        with self._database.write() as con:
            return self._settings.answer(con, device_id, version, answer)

    def worn(self) -> list[tuple[Binding, Word | None]]:
        with self._database.read() as con:
            return self._wearing.worn(con)

    def say_worn(self, binding_id: int, word: Word) -> bool:
        with self._database.write() as con:
            return self._wearing.say(con, binding_id, word)

    def append_audit(self, entries: Sequence[Entry]) -> None:
        with self._database.write() as con:
            self._audit.append(con, entries)

    def audit(self, question: Question) -> list[Line]:
        with self._database.read() as con:
            return self._audit.find(con, question)

    def audit_head(self) -> tuple[int, bytes]:
        with self._database.read() as con:
            return self._audit.head(con)

    def ask_whose(self, questions: Sequence[WhoseQuestion]) -> None:
        with self._database.write() as con:
            self._whose.ask(con, questions)

    def open_questions(self, limit: int = 1000) -> list[WhoseQuestion]:
        with self._database.read() as con:
            return self._whose.open(con, limit)

    def question(self, question_id: int) -> WhoseQuestion:
        with self._database.read() as con:
            return self._whose.question(con, question_id)

    def answer_whose(self, question_id: int, answer: WhoseAnswer) -> WhoseQuestion:
        with self._database.write() as con:
            return self._whose.answer(con, question_id, answer)

    def hurry(self) -> None:
        """From now on no call waits for a server that is away: the process is about to end."""
        self._database.hurry()

    def close(self) -> None:
        """Later calls raise ``StoreError``; closing again does nothing."""
        self._commits.close()
        self._database.close()


def _check_key(con: Connection, tables: Tables, box: Fernet) -> None:
    """A token sealed when the database was made tells another key at once, before anything is written with it."""
    table = tables.key_checks
    token = con.execute(select(table.c.token)).scalar_one_or_none()
    if token is None:
        con.execute(insert(table).values(check_id=1, token=box.encrypt_at_time(_CHECK, 0)))
        return
    try:
        box.decrypt(token)
    except InvalidToken as error:
        raise StoreError("the records database was made with another key: give that key") from error
