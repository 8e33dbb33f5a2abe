"""Whose weight is it? A partner steps on the patient's scale; his weight must not be judged as the patient's.

Only body weight is asked about: partners share a scale, and a weight cannot jump. They share a cuff and a thermometer as well,
but a pulse or a pressure may double within a minute in one person, so that a jump there says nothing about who it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.errors import VersionConflict
from vigil.domain.times import DAY
from vigil.domain.vitals import BY_NAME

WEIGHT = BY_NAME["body_weight"].index
#: The alert that is on while the wearer's weight is in question.
RULE = "whose.body_weight"

#: A jump is a change of more than the greater of these within ``WITHIN`` (all ours). They lie above what illness does: odds of an
#: admission for heart failure are 7.7 times from a gain of 4.5 kg on (Chaudhry 2007), and such weights must be judged.
LEAST_KG, LEAST_SHARE = 5.0, 0.08
#: After a longer gap the allowed change grows with it: after four weeks it is four times as much.
WITHIN = 7 * DAY


@dataclass(frozen=True, slots=True)
class Weight:
    """``at``: measured time, microseconds UTC."""

    at: int
    kg: float


def jumps(last: Weight, new: Weight) -> bool:
    """Is it a change that one person does not go through? ``last``: the newest weight that counted; ``new`` may be older.

    >>> day = 24 * 3600 * 10**6
    >>> jumps(Weight(0, 60.0), Weight(day, 65.0)), jumps(Weight(0, 60.0), Weight(day, 65.1))
    (False, True)
    >>> jumps(Weight(0, 100.0), Weight(day, 108.0)), jumps(Weight(0, 100.0), Weight(day, 91.9))
    (False, True)
    >>> jumps(Weight(0, 60.0), Weight(14 * day, 70.0)), jumps(Weight(14 * day, 60.0), Weight(0, 70.1))
    (False, True)
    """
    allowed = max(LEAST_KG, LEAST_SHARE * last.kg) * max(1.0, abs(new.at - last.at) / WITHIN)
    return abs(new.kg - last.kg) > allowed


@dataclass(frozen=True, slots=True)
class Answer:
    """``patient_id`` None: of nobody who is watched here. ``reason`` may hold a name. ``at``: server time, microseconds UTC."""

    patient_id: str | None
    reason: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class WhoseQuestion:
    """One value that waits for an answer. ``patient_id``: who wears the device; ``last``: the weight that it was compared with.

    Times in microseconds UTC; ``device_time`` as sent. ``question_id`` is given by the store.
    """

    device_id: str
    patient_id: str
    weight: Weight
    device_time: int
    last: Weight
    asked_at: int
    question_id: int = 0
    answer: Answer | None = None

    def require_open(self) -> None:
        """Raises ``VersionConflict``: a question is answered once."""
        if self.answer is not None:
            raise VersionConflict("the question was answered before")
