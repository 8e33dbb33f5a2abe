"""A cohort without its persons: pseudonyms, groups instead of ages and wards, and what was done about each Safe Harbor class.

Sources: 45 CFR 164.514(b)(2) (Safe Harbor) for the classes and for ages over 89; k-anonymity as the least size of a class of
equal quasi-identifiers (reference page "Security, privacy and safety", section 7).
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vigil.domain.errors import InvalidInput

LEAST_KEY_BYTES = 32
#: Stands for a group that was left out so that the others are large enough.
ANY = "any"
#: The first level at which no more than this share of the people has to be left out is taken (ours).
MOST_SUPPRESSED = 0.1
#: The least k that is accepted: two people who share everything are told apart by either of them (ours).
LEAST_K = 2

#: Lower edges in years; ages over 89 are one group.
_AGES = ((18, 30, 40, 50, 60, 70, 80, 90), (18, 40, 60, 80, 90), (18, 65, 90))
#: Lower edges in days since enrolment.
_STAYS = ((1, 4, 8, 31, 91), (8, 31))


class Pseudonyms:
    """Names that only the key can lead back: HMAC-SHA256, 80 bits of it. Another key, another cohort of names."""

    def __init__(self, key: bytes) -> None:
        if len(key) < LEAST_KEY_BYTES:
            raise InvalidInput(f"a key for pseudonyms has at least {LEAST_KEY_BYTES} bytes")
        self._key = key

    def of(self, kind: str, identifier: str) -> str:
        """``kind`` keeps a patient and an alert of the same identifier apart."""
        return hmac.digest(self._key, f"{kind}\0{identifier}".encode(), hashlib.sha256).hex()[:20]


@dataclass(frozen=True, slots=True)
class Traits:
    """The quasi-identifiers of one person. ``age`` in full years at enrolment; ``ward``: already a pseudonym; ``stay_days``: from
    enrolment to discharge."""

    age: int
    sex: str
    ward: str
    stay_days: float


@dataclass(frozen=True, slots=True)
class Level:
    """How coarsely people are told. None = not at all; ``ages`` in years, ``stays`` in days."""

    ages: tuple[int, ...] | None
    sex: bool
    ward: bool
    stays: tuple[int, ...] | None

    def told(self, one: Traits) -> Told:
        return Told(
            ANY if self.ages is None else band(one.age, self.ages),
            one.sex if self.sex else ANY,
            one.ward if self.ward else ANY,
            ANY if self.stays is None else band(one.stay_days, self.stays),
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a person; all who share it are one class."""

    age: str
    sex: str
    ward: str
    stay: str


#: From fine to coarse: the ward goes first, because it says least about a course and most about where somebody lives.
LEVELS = (
    Level(_AGES[0], True, True, _STAYS[0]),
    Level(_AGES[0], True, False, _STAYS[0]),
    Level(_AGES[1], True, False, _STAYS[1]),
    Level(_AGES[2], True, False, _STAYS[1]),
    Level(_AGES[2], True, False, None),
    Level(None, True, False, None),
    Level(None, False, False, None),
)


@dataclass(frozen=True, slots=True)
class Cohort:
    """``told``: of each person who stays. ``k``: size of the smallest class; ``asked``: how many people it was about."""

    told: Mapping[str, Told]
    level: int
    k: int
    asked: int

    @property
    def suppressed(self) -> int:
        return self.asked - len(self.told)


def anonymous(people: Mapping[str, Traits], k: int) -> Cohort:
    """Everybody is told at one level, and whose class has fewer than ``k`` people is left out.

    Raises ``InvalidInput`` for a ``k`` below ``LEAST_K``, and when there are fewer than ``k`` people at all.
    """
    if k < LEAST_K:
        raise InvalidInput(f"k must be at least {LEAST_K}")
    if len(people) < k:
        raise InvalidInput(f"the cohort has fewer than {k} people whose stay is over: nothing can be exported")
    # At the last level all are one class, so one level always fits.
    every = (_at(people, k, number, level) for number, level in enumerate(LEVELS))
    return next(one for one in every if one.suppressed <= MOST_SUPPRESSED * len(people))


def _at(people: Mapping[str, Traits], k: int, number: int, level: Level) -> Cohort:
    told = {name: level.told(one) for name, one in people.items()}
    sizes = Counter(told.values())
    kept = {name: one for name, one in told.items() if sizes[one] >= k}
    return Cohort(kept, number, min((sizes[one] for one in kept.values()), default=0), len(people))


def band(value: float, edges: Iterable[int]) -> str:
    """
    >>> band(17, (18, 30, 90)), band(29.9, (18, 30, 90)), band(90, (18, 30, 90)), band(104, (18, 30, 90))
    ('0-17', '18-29', '90+', '90+')
    """
    low = 0
    for edge in edges:
        if value < edge:
            return f"{low}-{edge - 1}"
        low = edge
    return f"{low}+"


def rule_word(rule: str, identifiers: frozenset[str]) -> str:
    """An alert's rule without the device, ward or model that its end may name. ``identifiers``: every one that the store knows.

    >>> rule_word("limit.spo2.low", frozenset()), rule_word("signal_lost.no_data.w.1", frozenset({"w.1"}))
    ('limit.spo2.low', 'signal_lost.no_data')
    """
    parts = rule.split(".")
    for number in range(1, len(parts)):
        if ".".join(parts[number:]) in identifiers or parts[number - 1] in _HEADS:
            return ".".join(parts[:number])
    return rule


#: Heads of rules that are followed by an identifier.
_HEADS = frozenset({"no_data", "battery", "risk", "outage"})


#: (class, what was done), in the order of 164.514(b)(2)(i)(A) to (R).
SAFE_HARBOR: tuple[tuple[str, str], ...] = (
    ("names", "left out; a pseudonym stands for the patient, nothing for staff"),
    ("geography below a state", "left out; a ward is a pseudonym, and only where k allows it"),
    ("dates, and ages over 89", "left out; times are seconds since the patient's enrolment, ages are groups up to 90+"),
    ("telephone numbers", "left out, with addresses and next of kin; free text is left out"),
    ("fax numbers", "none are stored of patients; free text is left out"),
    ("e-mail addresses", "none are stored of patients; free text is left out"),
    ("social security numbers", "none are stored; free text is left out"),
    ("medical record numbers", "left out; the patient's id is replaced by the pseudonym"),
    ("health plan numbers", "none are stored; free text is left out"),
    ("account numbers", "left out: people's and devices' accounts are in no table"),
    ("certificate and licence numbers", "none are stored; free text is left out"),
    ("vehicle identifiers", "none are stored; free text is left out"),
    ("device identifiers and serial numbers", "left out; sensors are counted from 1 for each patient"),
    ("web addresses", "none are stored of patients; free text is left out"),
    ("IP addresses", "left out: the audit log and gateways are not exported"),
    ("biometric identifiers", "none are stored; a dense course of vital signs can be one: see the notes"),
    ("full-face photographs", "none are stored"),
    (
        "any other unique code",
        "left out: ids of alerts are pseudonyms, numbers of readings, packs and scores are not there",
    ),
)
