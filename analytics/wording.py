"""The sentences on an alert card: value first, then limit, then how sure; no names, no diagnosis, no "please"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vigil.domain.news2 import half_up
from vigil.domain.policy import LimitRule
from vigil.domain.quality import Quality
from vigil.domain.scores import Score, ScoreStatus
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND
from vigil.domain.vitals import BY_NAME, VitalKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Names as nurses say them, where the table's title is longer.
_SHORT = {"spo2": "SpO2", "bp_sys": "Systolic pressure", "bp_dia": "Diastolic pressure"}
#: For "no BP" in the coverage light.
_SHORTEST = {"spo2": "SpO2", "bp_sys": "BP", "bp_dia": "BP", "bp_mean": "BP"}


def vital_name(vital: str) -> str:
    return _SHORT.get(vital, BY_NAME[vital].title)


def vital_word(vital: str) -> str:
    """The name inside a sentence.

    >>> vital_word("heart_rate"), vital_word("bp_sys"), vital_word("spo2")
    ('heart rate', 'BP', 'SpO2')
    """
    return _SHORTEST.get(vital) or BY_NAME[vital].title.lower()


def amount(kind: VitalKind, value: float) -> str:
    """The value in the vital's digits with its unit.

    >>> amount(BY_NAME["body_temp"], 38.05), amount(BY_NAME["spo2"], 84.4), amount(BY_NAME["heart_rate"], 131)
    ('38.1 °C', '84 %', '131/min')
    """
    return with_unit(kind, half_up(value, kind.digits))


def with_unit(kind: VitalKind, number: float) -> str:
    """A limit as it was set, with the unit: no more and no fewer digits than it needs."""
    digits = kind.digits if half_up(number, kind.digits) == number else 2
    text = f"{number:.{digits}f}"
    return f"{text}{kind.display_unit}" if kind.display_unit.startswith("/") else f"{text} {kind.display_unit}".rstrip()


def lasting(us: int) -> str:
    """
    >>> lasting(15 * SECOND), lasting(14 * MINUTE), lasting(3 * HOUR), lasting(50 * HOUR)
    ('15 s', '14 min', '3 h', '2 d')
    """
    for unit, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if us >= 2 * unit:
            return f"{us // unit} {word}"
    return f"{max(us, 0) // SECOND} s"


def clock_time(us: int) -> str:
    """
    >>> clock_time(1_767_225_600_000_000 + 13 * HOUR + 50 * MINUTE)
    '13:50 UTC'
    """
    return (_EPOCH + timedelta(microseconds=us)).strftime("%H:%M UTC")


def signal_words(quality: int) -> str:
    if quality & Quality.LOW_PERFUSION:
        return "Weak signal."
    if quality & Quality.EARLY_ESTIMATE:
        return "Early estimate."
    return "Entered by a person." if quality & Quality.MANUAL else "Good signal."


def limit_title(rule: LimitRule) -> str:
    return f"{vital_name(rule.vital)} {rule.side}"


def limit_text(rule: LimitRule, value: float, lasted: int, quality: int, severe: bool) -> str:
    """``lasted``: microseconds beyond the limit so far."""
    kind = BY_NAME[rule.vital]
    word = "below" if rule.side == "low" else "above"
    edge = f"{word} {with_unit(kind, rule.limit)}"
    if severe and rule.severe is not None:
        edge = f"{word} the severe limit {with_unit(kind, rule.severe)}"
    elif lasted >= SECOND:
        edge += f" for {lasting(lasted)}"
    return f"{vital_name(rule.vital)} {amount(kind, value)}, {edge}. {signal_words(quality)}"


def unknown_text(rule: LimitRule, value: float, at: int) -> str:
    """The data stopped while the delay ran."""
    kind = BY_NAME[rule.vital]
    what = (
        f"{vital_name(rule.vital)} was {amount(kind, value)} at {clock_time(at)}, limit {with_unit(kind, rule.limit)}"
    )
    return f"{what}, then no valid data came. Not known how it is now."


def unverified_title(rule: LimitRule) -> str:
    return f"{vital_name(rule.vital)} unverified"


def unverified_text(rule: LimitRule, value: float) -> str:
    amount_text = amount(BY_NAME[rule.vital], value)
    return f"{vital_name(rule.vital)} may be {amount_text}: bad signal. Call and check the sensor. Not yet confirmed."


def past_text(rule: LimitRule, peak: float, onset_at: int, ended_at: int, received_at: int, count: int) -> str:
    kind = BY_NAME[rule.vital]
    span = (
        f"at {clock_time(onset_at)}"
        if ended_at <= onset_at
        else f"from {clock_time(onset_at)} to {clock_time(ended_at)}"
    )
    times = "" if count == 1 else f" ({count} times)"
    value = amount(kind, peak)
    return f"Past event: {vital_name(rule.vital)} {value} {span}{times}, received {clock_time(received_at)}."


def finding_title(detector: str, vital: str) -> str:
    """
    >>> finding_title("Flat line", "spo2")
    'SpO2: flat line'
    """
    return f"{vital_name(vital)}: {detector[:1].lower()}{detector[1:]}"


def finding_text(detector: str, vital: str, value: float, lasted: int) -> str:
    """``lasted``: microseconds since it began."""
    ending = f" for {lasting(lasted)}" if lasted >= SECOND else ""
    return f"{vital_name(vital)} {amount(BY_NAME[vital], value)}: {detector[:1].lower()}{detector[1:]}{ending}."


def disagreement_title(vital: str) -> str:
    return f"{vital_name(vital)}: sensors disagree"


def disagreement_text(vital: str, said: list[tuple[str, float]]) -> str:
    """
    >>> disagreement_text("heart_rate", [("w-1", 72.0), ("w-2", 95.0)])
    'Heart rate 72/min by w-1, 95/min by w-2. One of them is wrong: check both sensors.'
    """
    both = ", ".join(f"{amount(BY_NAME[vital], value)} by {device_id}" for device_id, value in said)
    return f"{vital_name(vital)} {both}. One of them is wrong: check both sensors."


def combination_text(values: dict[str, float], parts: dict[str, float], version: str) -> str:
    """``parts``: what each vital adds to how unusual it is; those that add most come first.

    >>> combination_text({"spo2": 94.0, "heart_rate": 96.0}, {"spo2": 3.0, "heart_rate": 9.0}, "0a1b")
    'Together unusual for this person: heart rate 96/min, SpO2 94 %. Model 0a1b, learnt from the last day.'
    """
    known = sorted((name for name in parts if parts[name] == parts[name]), key=lambda name: -parts[name])
    named = ", ".join(f"{vital_word(name)} {amount(BY_NAME[name], values[name])}" for name in known[:3])
    return f"Together unusual for this person: {named}. Model {version}, learnt from the last day."


#: How the inputs of NEWS2 are named in a sentence, and what each can score while it is not known.
_SCORE_WORDS = {
    "resp_rate": "breathing",
    "spo2": "SpO2",
    "oxygen": "oxygen",
    "bp_sys": "systolic pressure",
    "heart_rate": "pulse",
    "consciousness": "consciousness",
    "body_temp": "temperature",
}
_UNKNOWN_POINTS = {"oxygen": "0 or 2", "consciousness": "0 or 3"}


def score_title(score: Score) -> str:
    """A partial score is never labelled NEWS2."""
    if score.status is ScoreStatus.COMPLETE:
        return f"NEWS2 {score.total}"
    return f"Partial score {score.lower} to {score.upper}"


def score_text(score: Score) -> str:
    scoring = [
        "on oxygen" if part.name == "oxygen" else f"{_SCORE_WORDS[part.name]} {_part_value(part.value)}"
        for part in sorted(score.parts, key=lambda part: -(part.points or 0))
        if part.points
    ]
    by = f": {', '.join(scoring)}" if scoring else ""
    if score.status is ScoreStatus.COMPLETE:
        return f"NEWS2 is {score.total}{by}."
    unknown = [f"{_SCORE_WORDS[name]} ({_UNKNOWN_POINTS.get(name, '0 to 3')})" for name in score.missing]
    return f"Score at least {score.lower}, at most {score.upper}{by}. Not known: {', '.join(unknown)}."


def _part_value(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def no_data_text(device_id: str, silent: int, watched_by_another: bool, last: str) -> str:
    """``silent``: microseconds; ``last``: the newest valid value with its time, empty when there never was one."""
    other = "" if watched_by_another else " This person is not watched."
    ending = f" Last: {last}." if last else ""
    return f"No data from the device {device_id} for {lasting(silent)}.{other}{ending}"


def outage_title(silent: int, heard: int) -> str:
    """
    >>> outage_title(97, 100)
    'No data from 97 of 100 patients: gateway, network or broker'
    """
    return f"No data from {silent} of {heard} patients: gateway, network or broker"


def outage_text(silent: int, heard: int, ward: str | None, since: int) -> str:
    """``ward`` None: of the whole installation."""
    where = "" if ward is None else f" of the ward {ward}"
    what = f"{silent} of {heard} patients{where} fell silent together at {clock_time(since)} and are not watched"
    return f"{what}. Check the gateway, the network and the broker; look after those who need watching."


def no_signal_text(vital: str, silent: int, seen: bool, last: str) -> str:
    """``seen``: the sensor sends, but nothing valid."""
    ending = f" Last: {last}." if last else ""
    if seen:
        return f"Bad {vital_word(vital)} signal for {lasting(silent)}. Check the sensor.{ending}"
    return f"No {vital_word(vital)} for {lasting(silent)}.{ending}"
