"""What a rule has found, as phrases for an alert card: which key of the catalogue, and the values in it."""

from __future__ import annotations

from analytics.scores.persistence import Before
from vigil.domain.phrases import Phrase, phrase
from vigil.domain.policy import LimitRule
from vigil.domain.quality import GATED, Quality
from vigil.domain.scores import Score, ScoreStatus
from vigil.domain.times import SECOND


def signal_words(quality: int) -> Phrase:
    if quality & Quality.LOW_PERFUSION:
        return phrase("signal.weak")
    if quality & Quality.EARLY_ESTIMATE:
        return phrase("signal.early")
    return phrase("signal.manual" if quality & Quality.MANUAL else "signal.good")


def limit_title(rule: LimitRule) -> Phrase:
    return phrase(f"limit.{rule.side}.title", vital=rule.vital)


def limit_text(rule: LimitRule, value: float, lasted: int, quality: int, severe: bool) -> list[Phrase]:
    """``lasted``: microseconds beyond the limit so far."""
    said, limit = {"vital": rule.vital, "value": value}, rule.limit
    if severe and rule.severe is not None:
        what = phrase(f"limit.{rule.side}.severe", **said, limit=rule.severe)
    elif lasted >= SECOND:
        what = phrase(f"limit.{rule.side}.lasting", **said, limit=limit, lasted=lasted)
    else:
        what = phrase(f"limit.{rule.side}", **said, limit=limit)
    return [what, signal_words(quality)]


def unknown_text(rule: LimitRule, value: float, at: int) -> list[Phrase]:
    """The data stopped while the delay ran."""
    return [phrase("limit.unknown", vital=rule.vital, value=value, limit=rule.limit, at=at)]


def unverified_title(rule: LimitRule) -> Phrase:
    return phrase("unverified.title", vital=rule.vital)


def unverified_text(rule: LimitRule, value: float, quality: int) -> Phrase:
    return phrase("unverified" if quality & GATED else "unverified.weak", vital=rule.vital, value=value)


def past_title(rule: LimitRule) -> Phrase:
    return phrase(f"past.{rule.side}.title", vital=rule.vital)


def past_text(rule: LimitRule, peak: float, onset_at: int, ended_at: int, received_at: int, count: int) -> Phrase:
    said = {"vital": rule.vital, "value": peak, "onset_at": onset_at, "received_at": received_at}
    times = {} if count == 1 else {"count": count}
    if ended_at <= onset_at:
        return phrase("past.moment.times" if times else "past.moment", **said, **times)
    return phrase("past.span.times" if times else "past.span", **said, ended_at=ended_at, **times)


def finding_title(detector: str, vital: str) -> Phrase:
    """``detector``: what it is called, as in "Flat line"."""
    return phrase("finding.title", vital=vital, called=_inside(detector))


def finding_text(detector: str, vital: str, value: float, lasted: int) -> Phrase:
    """``lasted``: microseconds since it began."""
    found = {"vital": vital, "value": value, "called": _inside(detector)}
    return phrase("finding.lasting", **found, lasted=lasted) if lasted >= SECOND else phrase("finding", **found)


def _inside(title: str) -> str:
    """As it stands inside a sentence."""
    return f"{title[:1].lower()}{title[1:]}"


def disagreement_title(vital: str) -> Phrase:
    return phrase("disagreement.title", vital=vital)


def disagreement_text(vital: str, said: list[tuple[str, float]]) -> Phrase:
    """
    >>> from vigil.domain.phrases import english
    >>> english(disagreement_text("heart_rate", [("w-1", 72.0), ("w-2", 95.0)]))
    'Heart rate 72/min by w-1, 95/min by w-2. One of them is wrong: check both sensors.'
    """
    both = [phrase("disagreement.one", vital=vital, value=value, device=device_id) for device_id, value in said]
    return phrase("disagreement", vital=vital, said=both)


def combination_text(values: dict[str, float], parts: dict[str, float], version: str) -> Phrase:
    """``parts``: what each vital adds to how unusual it is; those that add most come first.

    >>> from vigil.domain.phrases import english
    >>> english(combination_text({"spo2": 94.0, "heart_rate": 96.0}, {"spo2": 3.0, "heart_rate": 9.0}, "0a1b"))
    'Together unusual for this person: heart rate 96/min, SpO2 94 %. Model 0a1b, learnt from the last day.'
    """
    known = sorted((name for name in parts if parts[name] == parts[name]), key=lambda name: -parts[name])
    named = [phrase("combination.one", vital=name, value=values[name]) for name in known[:3]]
    return phrase("combination", named=named, version=version)


#: Inputs of NEWS2 that cannot score 0 to 3 while they are not known.
_UNKNOWN = {"oxygen": "score.unknown.oxygen", "consciousness": "score.unknown.consciousness"}


def score_title(score: Score) -> Phrase:
    """A partial score is never labelled NEWS2."""
    if score.status is ScoreStatus.COMPLETE:
        return phrase("score.title", total=score.total)
    return phrase("score.partial.title", lower=score.lower, upper=score.upper)


def score_text(score: Score) -> Phrase:
    scoring = [
        phrase("score.on_oxygen") if part.name == "oxygen" else phrase("score.part", input=part.name, value=part.value)
        for part in sorted(score.parts, key=lambda part: -(part.points or 0))
        if part.points
    ]
    by = {"scoring": scoring} if scoring else {}
    if score.status is ScoreStatus.COMPLETE:
        return phrase("score.by" if by else "score", total=score.total, **by)
    unknown = [phrase(_UNKNOWN.get(name, "score.unknown"), input=name) for name in score.missing]
    bounds = {"lower": score.lower, "upper": score.upper, "unknown": unknown}
    return phrase("score.partial.by" if by else "score.partial", **bounds, **by)


def before_text(score: Score, before: Before | None) -> list[Phrase]:
    """What it was before, and which inputs have changed it; nothing where none of those that score now was known then."""
    scoring = [part.name for part in score.parts if part.points]
    if before is None or all(before.points[name] is None for name in scoring):
        return []
    changed = []
    for part in score.parts:
        then = before.points[part.name]
        if part.points and then is None:
            changed.append(phrase("score.changed.new", input=part.name, points=part.points))
        elif part.points is not None and then is not None and part.points != then:
            changed.append(phrase("score.changed", input=part.name, by=part.points - then))
    if not changed:
        return []
    was = {"lower": before.lower} if before.lower == before.upper else {"lower": before.lower, "upper": before.upper}
    known = phrase("score.number" if len(was) == 1 else "score.bounds", **was)
    return [phrase("score.was", was=known, known_at=before.at, changed=changed)]


def doubt_text(score: Score) -> list[Phrase]:
    """Which points come from a signal that is doubtful; nothing when none do."""
    doubts = [
        phrase(f"score.doubt.{part.doubt}", points=part.points, input=part.name)
        for part in score.parts
        if part.points and part.doubt
    ]
    return [phrase("score.doubtful", doubts=doubts)] if doubts else []


def no_data_text(device_id: str, silent: int, watched_by_another: bool, last: list[Phrase]) -> list[Phrase]:
    """``silent``: microseconds; ``last``: the newest valid value with its time, empty when there never was one."""
    other = [] if watched_by_another else [phrase("no_data.not_watched")]
    return [phrase("no_data", device=device_id, silent=silent), *other, *last]


def no_signal_title(vital: str, seen: bool) -> Phrase:
    """``seen``: the sensor sends, but nothing valid."""
    return phrase("bad_signal.title" if seen else "no_signal.title", vital=vital)


def no_signal_text(vital: str, silent: int, seen: bool, last: list[Phrase]) -> list[Phrase]:
    return [phrase("bad_signal" if seen else "no_signal", vital=vital, silent=silent), *last]


def last_text(vital: str, value: float, at: int, *, named: bool) -> Phrase:
    """The newest valid value. ``named``: nothing before it says of which vital."""
    return phrase("last.named" if named else "last", vital=vital, value=value, at=at)


def outage_title(silent: int, heard: int) -> Phrase:
    """
    >>> from vigil.domain.phrases import english
    >>> english(outage_title(97, 100))
    'No data from 97 of 100 patients: gateway, network or broker'
    """
    return phrase("outage.title", silent=silent, heard=heard)


def outage_text(silent: int, heard: int, ward: str | None, since: int) -> Phrase:
    """``ward`` None: of the whole installation."""
    numbers = {"silent": silent, "heard": heard, "since": since}
    return phrase("outage", **numbers) if ward is None else phrase("outage.ward", **numbers, ward=ward)
