"""What people say of an alert afterwards: was it true, and was it of use?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """``useful``: true and useful. ``not_useful``: true, but nothing had to be done. ``artefact``: the sensor was wrong, not the
    patient. ``wrong_limit``: the value was right and is normal for this patient."""

    USEFUL = "useful"
    NOT_USEFUL = "not_useful"
    ARTEFACT = "artefact"
    WRONG_LIMIT = "wrong_limit"

    @property
    def true(self) -> bool:
        """Did the alert say what was so with the patient, by a limit that is right for this patient?"""
        return self in (Verdict.USEFUL, Verdict.NOT_USEFUL)


@dataclass(frozen=True, slots=True)
class Feedback:
    """``person``: the name that acts in the alerts' log. ``note`` may hold a name. ``at``: server time, microseconds UTC."""

    alert_id: str
    person: str
    verdict: Verdict
    note: str
    at: int


def newest(given: Iterable[Feedback]) -> list[Feedback]:
    """What each person says of one alert now, in the order in which they said it. ``given``: oldest first."""
    by_person: dict[str, Feedback] = {}
    for one in given:
        by_person.pop(one.person, None)
        by_person[one.person] = one
    return list(by_person.values())


def verdict(given: Iterable[Feedback]) -> Verdict | None:
    """The one verdict by which an alert counts: what most persons say now; of equals what was said last. None = nobody did.

    >>> def said(person: str, word: Verdict) -> Feedback:
    ...     return Feedback("a-1", person, word, "", 0)
    >>> verdict([said("li", Verdict.ARTEFACT), said("wang", Verdict.USEFUL)]).value
    'useful'
    >>> verdict([said("li", Verdict.ARTEFACT), said("wang", Verdict.USEFUL), said("wang", Verdict.ARTEFACT)]).value
    'artefact'
    """
    words = [one.verdict for one in reversed(newest(given))]
    # Of equal counts ``most_common`` gives the first counted.
    return Counter(words).most_common(1)[0][0] if words else None


def rule_name(rule: str) -> str:
    """A rule as tables name it: silence is a rule a device, and a device's id may hold a patient's.

    >>> rule_name("no_data.w-1"), rule_name("limit.spo2.low")
    ('no_data', 'limit.spo2.low')
    """
    return "no_data" if rule.startswith("no_data.") else rule


def true_share(judged: Iterable[tuple[str, Verdict]]) -> dict[str, tuple[int, int]]:
    """From (rule, verdict of one alert): how many were true of how many, by ``rule_name``."""
    counts: dict[str, tuple[int, int]] = {}
    for rule, word in judged:
        name = rule_name(rule)
        true, every = counts.get(name, (0, 0))
        counts[name] = (true + word.true, every + 1)
    return counts


def expected_share(true: int, every: int) -> float:
    """How likely the next alert is true: mean of the Beta distribution after ``every`` verdicts, from the flat prior Beta(1, 1).

    >>> expected_share(0, 0), expected_share(8, 8), expected_share(0, 8)
    (0.5, 0.9, 0.1)
    """
    return (true + 1) / (every + 2)
