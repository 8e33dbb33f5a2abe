"""Alarm burden as numbers: what the alerts of an interval cost the people who answer them, and how many were worth it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from vigil.domain.alerts import Priority
from vigil.domain.feedback import Verdict, rule_name
from vigil.domain.order import GAP_PREFIXES, UNVERIFIED_RULE_PREFIX
from vigil.domain.people import Patient
from vigil.domain.times import DAY, HOUR, SECOND, utc_date

#: Of the standard normal distribution, for 95 % on two sides.
_Z = 1.959964
#: A group of fewer patients shows no counts (reference page "Fairness": privacy).
LEAST_SHOWN = 10
#: Rules whose alerts wait for valid data before they call, whatever room a budget has.
_WAIT_FOR_DATA = (UNVERIFIED_RULE_PREFIX, *GAP_PREFIXES)
#: First year of age of each band (reference page "Fairness").
_BANDS = ((80, "80+"), (65, "65-79"), (40, "40-64"), (18, "18-39"), (0, "0-17"))


@dataclass(frozen=True, slots=True)
class Course:
    """What happened to one alert inside an interval; None = that did not. ``opened_at``, ``acknowledged_at``, ``ended_at``: the
    first time, server time in microseconds UTC. ``level``: the highest level of escalation it was called at.

    ``interruptions``: lines that called somebody. ``carried``, ``joined``, ``held``: did another alert, the call of another one,
    or the wait for a better moment keep it from calling for a while? ``verdict`` is that of now, whenever it was given.
    """

    patient_id: str
    rule: str
    priority: Priority
    policy_version: str
    opened_at: int | None
    acknowledged_at: int | None = None
    ended_at: int | None = None
    level: int = 0
    interruptions: int = 0
    carried: bool = False
    joined: bool = False
    held: bool = False
    retrospective: bool = False
    verdict: Verdict | None = None

    @property
    def held_by_budget(self) -> bool:
        """Not what waits for data to come back or to be confirmed."""
        return self.held and not self.rule.startswith(_WAIT_FOR_DATA)

    @property
    def self_limited(self) -> bool:
        """Over before anybody acknowledged it."""
        if self.retrospective:
            return True
        return self.ended_at is not None and (self.acknowledged_at is None or self.ended_at < self.acknowledged_at)


@dataclass(frozen=True, slots=True)
class Share:
    """``low`` and ``high``: Wilson's 95 % interval. All None of nothing."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


class By(StrEnum):
    """``rule``: a row per rule and policy version."""

    RULE = "rule"
    POLICY = "policy"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class Exposure:
    """``watched_us``: time under watch by patient. ``nurse_us``: time of nurses on call. ``last_level``: of the chain that is
    called for a patient; of one who is not in it, the built-in chain's holds."""

    watched_us: Mapping[str, int]
    nurse_us: int
    last_level: Mapping[str, int]

    @property
    def patient_days(self) -> float:
        return sum(self.watched_us.values()) / DAY

    @property
    def nurse_hours(self) -> float:
        return self.nurse_us / HOUR


@dataclass(frozen=True, slots=True)
class Row:
    """``rule``, ``policy_version``, ``priority``: None = all. ``alerts``: opened in the interval; the rest is about these, but
    ``carried``, ``joined``, ``held`` and the interruptions, which count where they happened.

    ``unanswered``: the whole chain was called in vain. ``busiest_tenth``: the share of the tenth of the patients under watch that
    has the most of these alerts. ``verdicts``: alerts by what was said of them; ``true``, ``useful``: positive predictive values.
    """

    rule: str | None
    policy_version: str | None
    priority: Priority | None
    alerts: int
    carried: int
    joined: int
    held: int
    interruptions: int
    acknowledged: int
    acknowledge_median_s: float | None
    escalated: int
    unanswered: int
    self_limited: int
    self_limited_share: float | None
    busiest_tenth: float | None
    per_patient_day: float | None
    per_nurse_hour: float | None
    verdicts: Mapping[Verdict, int]
    true: Share
    useful: Share


@dataclass(frozen=True, slots=True)
class Group:
    """Patients under watch who share a value of the record. The counts are None for a group too small to show."""

    factor: str
    value: str
    patients: int | None
    patient_days: float | None
    alerts: int | None
    interruptions: int | None
    held: int | None


def share(count: int, of: int) -> Share:
    """Wilson 1927: honest for few alerts, and for none or all of them.

    >>> one = share(9, 10)
    >>> round(one.low, 3), round(one.high, 3)
    (0.596, 0.982)
    """
    if of == 0:
        return Share(count, of, None, None, None)
    p, spread = count / of, _Z * _Z / of
    middle = (p + spread / 2) / (1 + spread)
    reach = _Z * math.sqrt(p * (1 - p) / of + spread / of / 4) / (1 + spread)
    # At the ends the exact bound is 0 or 1; what is left is rounding.
    return Share(count, of, p, 0.0 if count == 0 else middle - reach, 1.0 if count == of else middle + reach)


def total(courses: Sequence[Course], exposure: Exposure) -> Row:
    return _row((None, None, None), courses, exposure)


def table(courses: Iterable[Course], by: By, exposure: Exposure) -> list[Row]:
    """The most interruptions first, then the most alerts, then by name."""
    groups: defaultdict[_Key, list[Course]] = defaultdict(list)
    for course in courses:
        groups[_KEYS[by](course)].append(course)
    rows = [_row(key, group, exposure) for key, group in groups.items()]
    return sorted(rows, key=lambda row: (-row.interruptions, -row.alerts, row.rule or "", row.policy_version or ""))


def subgroups(courses: Iterable[Course], patients: Iterable[Patient], exposure: Exposure, at: int) -> list[Group]:
    """By age band at ``at`` and by sex; patients that were not under watch, and alerts about none, are in no group."""
    members: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for patient in patients:
        if patient.patient_id in exposure.watched_us:
            age = patient.age(utc_date(at))
            members["age", age_band(age)].add(patient.patient_id)
            members["sex", patient.sex].add(patient.patient_id)
    theirs: defaultdict[str, list[Course]] = defaultdict(list)
    for course in courses:
        theirs[course.patient_id].append(course)
    hidden = _hidden({key: len(group) for key, group in members.items()})
    return [
        Group(*key, None, None, None, None, None) if key in hidden else _group(key, members[key], theirs, exposure)
        for key in sorted(members)
    ]


def age_band(age: int) -> str:
    """
    >>> [age_band(age) for age in (17, 18, 64, 65, 80)]
    ['0-17', '18-39', '40-64', '65-79', '80+']
    """
    return next(name for first, name in _BANDS if age >= first)


_Key = tuple[str | None, str | None, Priority | None]
_KEYS: dict[By, Callable[[Course], _Key]] = {
    By.RULE: lambda one: (rule_name(one.rule), one.policy_version, None),
    By.POLICY: lambda one: (None, one.policy_version, None),
    By.PRIORITY: lambda one: (None, None, one.priority),
}


def _row(key: _Key, courses: Sequence[Course], exposure: Exposure) -> Row:
    shown = [one for one in courses if one.opened_at is not None]
    waits = [(one.acknowledged_at - one.opened_at) / SECOND for one in shown
             if one.opened_at is not None and one.acknowledged_at is not None]  # fmt: skip
    interruptions = sum(one.interruptions for one in courses)
    self_limited = sum(one.self_limited for one in shown)
    verdicts = Counter(one.verdict for one in shown if one.verdict is not None)
    judged = verdicts.total()
    return Row(
        *key,
        alerts=len(shown),
        carried=sum(one.carried for one in courses),
        joined=sum(one.joined for one in courses),
        held=sum(one.held_by_budget for one in courses),
        interruptions=interruptions,
        acknowledged=len(waits),
        acknowledge_median_s=median(waits) if waits else None,
        escalated=sum(one.level > 0 for one in shown),
        unanswered=sum(one.level > exposure.last_level.get(one.patient_id, 0) for one in shown),
        self_limited=self_limited,
        self_limited_share=_ratio(self_limited, len(shown)),
        busiest_tenth=_busiest_tenth(shown, exposure),
        per_patient_day=_ratio(interruptions, exposure.patient_days),
        per_nurse_hour=_ratio(interruptions, exposure.nurse_hours),
        verdicts={word: verdicts[word] for word in Verdict},
        true=share(sum(verdicts[word] for word in Verdict if word.true), judged),
        useful=share(verdicts[Verdict.USEFUL], judged),
    )


def _ratio(count: float, of: float) -> float | None:
    return count / of if of else None


def _busiest_tenth(shown: Iterable[Course], exposure: Exposure) -> float | None:
    """Of the alerts of patients under watch; a tenth is rounded up."""
    counts = Counter(one.patient_id for one in shown if one.patient_id in exposure.watched_us)
    most = counts.most_common(math.ceil(len(exposure.watched_us) / 10))
    return _ratio(sum(number for _, number in most), counts.total())


def _hidden(sizes: Mapping[tuple[str, str], int]) -> set[tuple[str, str]]:
    """Groups too small to show, and where that is one alone of its factor the next larger, or the total would tell of it."""
    hidden = set()
    for factor in {factor for factor, _ in sizes}:
        smallest_first = sorted((size, key) for key, size in sizes.items() if key[0] == factor)
        small = [key for size, key in smallest_first if size < LEAST_SHOWN]
        hidden |= {key for _, key in smallest_first[: max(2, len(small))]} if small else set()
    return hidden


def _group(
    key: tuple[str, str], members: Collection[str], theirs: Mapping[str, Sequence[Course]], exposure: Exposure
) -> Group:
    courses = [one for patient_id in members for one in theirs.get(patient_id, ())]
    return Group(
        *key,
        patients=len(members),
        patient_days=sum(exposure.watched_us[patient_id] for patient_id in members) / DAY,
        alerts=sum(one.opened_at is not None for one in courses),
        interruptions=sum(one.interruptions for one in courses),
        held=sum(one.held_by_budget for one in courses),
    )
