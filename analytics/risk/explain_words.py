"""A group of inputs as a nurse would say it: value first, then against this person's own usual, then how old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analytics.risk.hours import VITALS, Hours
from vigil.domain.phrases import Phrase, phrase
from vigil.domain.risk import RiskInput
from vigil.domain.vitals import BY_NAME

#: A person's usual value is the median of what was measured in the hours before, as far back as this.
USUAL_H = 72
#: It is told only from so many measured hours, the first of them about a day ago: what was so in the last hours only is no habit.
LEAST_VALUES, LEAST_H = 6, 23
#: From this age on a value may have changed without anybody knowing: with a NEWS2 of 1 to 4 it is measured at least each 4 to
#: 6 h (Royal College of Physicians 2017).
OLD_S = 4 * 3600

#: The typical patient: medians of the measured values of set A of the Challenge 2019, in its units; between the sexes, the middle
#: of what the model says of both.
TYPICAL: dict[str, tuple[float, ...]] = {
    "HR": (84.0,),
    "O2Sat": (98.0,),
    "Temp": (37.06,),
    "SBP": (118.5,),
    "MAP": (77.0,),
    "DBP": (58.5,),
    "Resp": (18.0,),
    "Age": (65.25,),
    "Gender": (0.0, 1.0),
}

#: Which side of typical is worse: 1 above, -1 below, 0 both. Bounds (lowest, highest) of what is normal: those that give no point
#: in NEWS2 (Royal College of Physicians 2017); of the two other pressures ours, need clinical sign-off.
_WORSE = {"HR": 1, "O2Sat": -1, "Temp": 0, "SBP": -1, "MAP": -1, "DBP": -1, "Resp": 1}
_NORMAL = {
    "HR": (51, 90),
    "O2Sat": (96, 100),
    "Temp": (36.1, 38.0),
    "SBP": (111, 219),
    "MAP": (70, 105),
    "DBP": (50, 100),
    "Resp": (12, 20),
}
#: Of several values of one group those count as measured together that are so much apart.
_TOGETHER_S = 3600.0

#: What no nurse would take for a reason, together: the group's name, and how it is said.
REST, REST_SAID = "rest", phrase("reason.rest")
_OTHERS = {"labs": phrase("reason.labs"), "stay": phrase("reason.stay")}
# Ages above 89 are said as one (45 CFR 164.514(b)(2)(i)(C)): these words are shown to roles that may not see names too.
_OLDEST = 90


@dataclass(frozen=True)
class Course:
    """One patient's hours up to ``row``. ``exact``: what the stream knows to the second, by vital."""

    hours: Hours
    row: int
    exact: Mapping[str, RiskInput]

    @cached_property
    def _first(self) -> int:
        return int(self.hours.starts[np.searchsorted(self.hours.starts, self.row, side="right") - 1])

    def before(self, column: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Measured values of the last hours and how many hours ago each was, oldest first; this hour is the last."""
        values = self.hours.columns[column][self._first : self.row + 1]
        ago = (self.hours.hour[self.row] - self.hours.hour[self._first : self.row + 1]).astype(np.int64)
        there = ~np.isnan(values) & (ago <= USUAL_H)
        return values[there], ago[there]

    def now(self, column: str) -> tuple[float, float | None] | None:
        """Newest value, and its age in seconds; age None = some time within this hour. None = never measured."""
        vital = self.exact.get(VITALS.get(column, ""))
        if vital is not None:
            return vital.value, vital.age_s
        values, ago = self.before(column)
        if not len(values):
            return None
        return float(values[-1]), 3600.0 * int(ago[-1]) or None

    def usual(self, column: str) -> float | None:
        values, ago = self.before(column)
        earlier = ago > 0
        if earlier.sum() < LEAST_VALUES or ago[0] < LEAST_H:
            return None
        return float(np.median(values[earlier]))


def words(course: Course, group: str, columns: tuple[str, ...], shift: float) -> Phrase | None:
    """``shift``: log-odds by which the group moves the risk. None where that is not what a nurse expects of the value:
    then it is not the value that does, but how it went.

    A value as "Breathing 24 a minute, 6 above this person's usual (18), measured 12 min ago"; an old one ends in "9 h old: the
    risk could be lower by now".
    """
    if group == "age" and (float(course.hours.columns["Age"][course.row]) - TYPICAL["Age"][0]) * shift < 0:
        return None
    if group in ("age", "sex"):
        return _person(course, group)
    if group in _OTHERS:
        return _OTHERS[group]
    known = {column: found for column in columns if (found := course.now(column)) is not None}
    if not known:
        return phrase("reason.not_measured", vital=VITALS[columns[0]])
    by_age = sorted(known, key=lambda column: known[column][1] or 0.0)
    newest = known[by_age[0]][1] or 0.0
    for column in by_age:
        value, age_s = known[column]
        if (age_s or 0.0) - newest <= _TOGETHER_S and (shift == 0 or _expected(course, column, value, shift > 0)):
            return _measured(course, column, known[column], shift)
    return None


def _expected(course: Course, column: str, value: float, raises: bool) -> bool:
    """Does a nurse expect that such a value raises (lowers) the risk? As it is said: to the digits that she reads."""
    digits, worse, (lowest, highest) = BY_NAME[VITALS[column]].digits, _WORSE[column], _NORMAL[column]
    value = round(value, digits)
    usual = course.usual(column)
    from_typical = value - round(TYPICAL[column][0], digits)
    normal = lowest <= value <= highest
    if not raises:
        return normal and from_typical * worse <= 0
    if not normal or from_typical * worse > 0 or (worse == 0 and from_typical > 0):
        return True
    return usual is not None and from_typical * worse == 0 and (value - round(usual, digits)) * worse > 0


def _person(course: Course, group: str) -> Phrase:
    value = float(course.hours.columns["Age" if group == "age" else "Gender"][course.row])
    if np.isnan(value):
        return phrase(f"reason.{group}.unknown")
    if group == "sex":
        return phrase("reason.male" if value == 1 else "reason.female")
    return phrase("reason.age", age=int(value)) if value < _OLDEST else phrase("reason.age.oldest", age=_OLDEST)


def _measured(course: Course, column: str, known: tuple[float, float | None], shift: float) -> Phrase:
    vital, (value, age_s) = VITALS[column], known
    digits = BY_NAME[vital].digits
    more = [*_compared(value, course.usual(column), TYPICAL[column][0], digits), _since(age_s, shift)]
    return phrase("reason", vital=vital, value=f"{value:.{digits}f}", more=more)


def _since(age_s: float | None, shift: float) -> Phrase:
    if age_s is None:
        return phrase("reason.this_hour")
    if age_s < OLD_S:
        return phrase("reason.ago", age_s=int(age_s))
    return phrase("reason.old.lower" if shift > 0 else "reason.old.higher", age_s=int(age_s))


def _compared(value: float, usual: float | None, typical: float, digits: int) -> list[Phrase]:
    """With this person's usual; also with a typical patient, whom the contribution is measured against, where the usual alone
    would not say why the risk moves: it is not known, lies on the other side, or is much nearer."""
    if usual is None:
        return [_against(value, typical, digits, "typical")]
    said = [_against(value, usual, digits, "usual")]
    from_usual, from_typical = value - usual, value - typical
    enough = from_usual * from_typical > 0 and abs(from_typical) < 2 * abs(from_usual)
    if enough or abs(from_typical) < 10.0**-digits:
        return said
    return [*said, _against(value, typical, digits, "typical")]


def _against(value: float, other: float, digits: int, whose: str) -> Phrase:
    """The difference of the numbers as they are said, so that it can be checked in the head."""
    apart = round(round(value, digits) - round(other, digits), digits)
    if apart == 0:
        return phrase(f"reason.as_{whose}")
    side = "above" if apart > 0 else "below"
    return phrase(f"reason.{side}_{whose}", apart=f"{abs(apart):.{digits}f}", other=f"{other:.{digits}f}")
