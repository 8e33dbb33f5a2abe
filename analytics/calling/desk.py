"""Where alerts ask for a person: keeps what the steps need to know of the ward, and remembers who was called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analytics.book import Book
from analytics.calling.ask import Ask
from analytics.calling.budget import Spent
from analytics.calling.decide import decided
from analytics.calling.outage import outage_over
from analytics.directory import Directory
from vigil.domain.alerts import Alert, Transition
from vigil.domain.answering import of_level, timed
from vigil.domain.calls import asks, interrupts
from vigil.domain.deliveries import Target
from vigil.domain.people import is_test
from vigil.domain.self_test import PLATFORM
from vigil.domain.teams import on_call


class Desk:
    def __init__(self, directory: Directory, book: Book) -> None:
        self._directory = directory
        self._book = book
        self._spent = Spent()
        self._past_called: dict[str, Transition] = {}

    def load(self, lines: Iterable[Transition]) -> None:
        """The log of the last hour, after a start: the budget counts on."""
        for line in lines:
            self.note(line)

    def decided(self, line: Transition, before: Alert | None) -> Transition:
        """The line with its call, where it asks for one, and with the team's own time to answer."""
        line = timed(line, before, self._directory.team_of(line.after))
        if not asks(line):
            return line
        patient_id, ward = line.after.patient_id, self._directory.ward_of(line.after)
        of_patient = (each for each in self._book.open_alerts(patient_id) if each.alert_id != line.after.alert_id)
        others = tuple(each for each in of_patient if self._directory.ward_of(each) == ward)
        outage, past = self.outage(patient_id), self._past_called.get(ward)
        pause = self._directory.pause(patient_id, line.at)
        return decided(Ask(line, others, lambda: self.room(patient_id, line.at), outage, past, pause))

    def outage(self, patient_id: str) -> Alert | None:
        """The outage that the patient's ward is in."""
        return None if patient_id == PLATFORM else outage_over(self._book, self._directory.ward(patient_id))

    def paused(self, patient_id: str, now: int) -> bool:
        """Is monitoring paused by plan?"""
        return self._directory.pause(patient_id, now) is not None

    def targets(self, line: Transition) -> Sequence[Target]:
        """Whom the line is told to; empty when it interrupts nobody. The self-test's alert is its watchdog's alone."""
        if not interrupts(line) or is_test(line.after.patient_id):
            return ()
        teams = [self._directory.team_of(line.after)]
        ward = self._directory.ward_of(line.after)
        if line.after.patient_id == PLATFORM and not ward:  # what is wrong with Vigil itself is everybody's business
            teams = list(self._directory.teams()) or teams
        return of_level(teams, line.after.escalation_level, line.at)

    def note(self, line: Transition) -> None:
        """After the line was recorded. The budget is Vigil's: whom a person calls is not counted."""
        if interrupts(line) and not line.cause.startswith("command:"):
            ward = self._directory.ward_of(line.after)
            self._spent.note(ward, line.at)
            if line.after.retrospective:
                self._past_called[ward] = line

    def room(self, patient_id: str, now: int) -> bool:
        """Does the ward's budget allow one more interruption about this patient now?"""
        most = self._directory.policy(patient_id).interruptions_per_nurse_hour
        if most is None:
            return True
        nurses = max(1, len(on_call(self._directory.team(patient_id), now)))
        return self._spent.number(self._directory.ward(patient_id), now) < most * nurses
