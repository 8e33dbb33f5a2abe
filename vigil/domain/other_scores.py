"""Scores beside NEWS2 from the same inputs, as old and as incomplete as they are there: MEWS, qSOFA, shock index."""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.errors import InvalidInput
from vigil.domain.mews import NOT_ALERT, MewsInputs, mews
from vigil.domain.news2 import News2, ask_for
from vigil.domain.qsofa import QSofaInputs, qsofa
from vigil.domain.scores import Score, ScorePart, ScoreStatus
from vigil.domain.shock_index import ShockLevel, shock_index
from vigil.domain.vitals import ACVPU


@dataclass(frozen=True, slots=True)
class OtherScore:
    """``value`` only when complete; ``lower`` to ``upper`` bound it over what is missing. ``raised``: beyond the usual threshold,
    None when the bounds do not decide it. ``oldest_s``: age of the oldest input that counted, seconds. ``note``: what to know
    before reading it."""

    name: str
    status: ScoreStatus
    value: float | None
    lower: float
    upper: float
    raised: bool | None
    missing: tuple[str, ...]
    oldest_s: float | None
    note: str


def others(score: Score) -> tuple[OtherScore, ...]:
    """From the inputs of a NEWS2; none for people for whom scores for adults are not meant."""
    if score.status is ScoreStatus.NOT_APPLICABLE:
        return ()
    fresh = {part.name: part for part in score.parts if part.value is not None and not part.stale}
    return _mews(fresh), _qsofa(fresh), *_shock_index(fresh)


def to_ask_for(score: Score) -> tuple[str, ...]:
    """The inputs that NEWS2 lacks, first the one that could change the most."""
    points = {part.name: part.points for part in score.parts}
    return ask_for(
        News2(score.status, score.total, score.lower, score.upper, score.band, score.single_3, points, score.missing)
    )


Parts = dict[str, ScorePart]


def _number(parts: Parts, name: str) -> float | None:
    value = parts[name].value if name in parts else None
    return value if isinstance(value, float) else None


def _letter(parts: Parts) -> float | None:
    """The code of ACVPU; a Glasgow Coma Scale of 15 is A, one below is "not alert" without a letter."""
    value = parts["consciousness"].value if "consciousness" in parts else None
    if not isinstance(value, str):
        return None
    if value in ACVPU:
        return float(ACVPU.index(value))
    return 0.0 if value == "GCS 15" else float(NOT_ALERT)


def _oldest(parts: Parts, names: tuple[str, ...]) -> float | None:
    ages = [parts[name].age_s for name in names if name in parts]
    return max((age for age in ages if age is not None), default=None)


def _mews(parts: Parts) -> OtherScore:
    names = ("bp_sys", "heart_rate", "resp_rate", "body_temp")
    bp_sys, heart_rate, resp_rate, body_temp = (_number(parts, name) for name in names)
    found = mews(MewsInputs(bp_sys, heart_rate, resp_rate, body_temp, _letter(parts)))
    oldest = _oldest(parts, (*names, "consciousness"))
    note = "5 or more: raised risk. Hospitals differ at the edges of its table."
    return OtherScore(
        "mews", found.status, found.total, found.lower, found.upper, found.raised, found.missing, oldest, note
    )


def _qsofa(parts: Parts) -> OtherScore:
    letter = _letter(parts)
    inputs = QSofaInputs(
        _number(parts, "resp_rate"), _number(parts, "bp_sys"), None if letter is None else letter == 0.0
    )
    found = qsofa(inputs, infection_suspected=True)  # whether one is, the reader knows: the note says so
    oldest = _oldest(parts, ("resp_rate", "bp_sys", "consciousness"))
    note = "Only where an infection is suspected; no screen for sepsis by itself."
    lower, upper = found.lower or 0, found.upper or 0
    return OtherScore("qsofa", found.status, found.total, lower, upper, found.positive, found.missing, oldest, note)


def _shock_index(parts: Parts) -> tuple[OtherScore, ...]:
    """Left out where a pressure of 0 makes it meaningless."""
    names = ("heart_rate", "bp_sys")
    at = [parts[name].measured_at for name in names if name in parts]
    apart = at[0] - at[1] if len(at) == 2 and at[0] is not None and at[1] is not None else 0
    try:
        found = shock_index(_number(parts, "heart_rate"), _number(parts, "bp_sys"), apart_us=apart)
    except InvalidInput:
        return ()
    raised = None if found.index is None and found.level is ShockLevel.NORMAL else found.level > ShockLevel.NORMAL
    note = "Above 0.9: raised. Says less in older people, with beta-blockers and with high blood pressure."
    index = None if found.index is None else round(found.index, 2)
    return (
        OtherScore(
            "shock_index",
            found.status,
            index,
            round(found.lower, 2),
            round(found.upper, 2),
            raised,
            found.missing,
            _oldest(parts, names),
            note,
        ),
    )
