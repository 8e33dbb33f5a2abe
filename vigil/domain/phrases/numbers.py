"""Values as they stand in a sentence: the same digits and units in every language, only the words for time differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf

from vigil.domain.news2 import half_up
from vigil.domain.phrases.names import Language
from vigil.domain.times import DAY, HOUR, MINUTE, SECOND
from vigil.domain.vitals import VitalKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS = ((DAY, " d", " 天"), (HOUR, " h", " 小时"), (MINUTE, " min", " 分钟"))
#: Seconds of the unit, up to how many it is used, and its words.
_AGES = ((60, 3600, " min", " 分钟"), (3600, 48 * 3600, " h", " 小时"), (86_400, inf, " days", " 天"))


def amount(kind: VitalKind, value: float) -> str:
    """The value in the vital's digits with its unit.

    >>> from vigil.domain.vitals import BY_NAME
    >>> amount(BY_NAME["body_temp"], 38.05), amount(BY_NAME["spo2"], 84.4), amount(BY_NAME["heart_rate"], 131)
    ('38.1 °C', '84 %', '131/min')
    """
    return _united(f"{half_up(value, kind.digits):.{kind.digits}f}", kind.display_unit)


def with_unit(kind: VitalKind, number: float) -> str:
    """A limit as it was set, with the unit: no more and no fewer digits than it needs."""
    digits = kind.digits if half_up(number, kind.digits) == number else 2
    return _united(f"{number:.{digits}f}", kind.display_unit)


def _united(number: str, unit: str) -> str:
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}".rstrip()


def lasting(us: int, language: Language = Language.ENGLISH) -> str:
    """
    >>> lasting(15 * SECOND), lasting(14 * MINUTE), lasting(3 * HOUR), lasting(50 * HOUR), lasting(-1)
    ('15 s', '14 min', '3 h', '2 d', '0 s')
    >>> lasting(14 * MINUTE, Language.CHINESE)
    '14 分钟'
    """
    for unit, *words in _SPANS:
        if us >= 2 * unit:
            return f"{us // unit}{words[language]}"
    return seconds(max(us, 0) // SECOND, language)


def seconds(count: int, language: Language = Language.ENGLISH) -> str:
    return f"{count} s" if language is Language.ENGLISH else f"{count} 秒"


def old(age_s: float, language: Language = Language.ENGLISH) -> str:
    """Rounded down.

    >>> old(45.9), old(720), old(9 * 3600), old(80 * 3600), old(80 * 3600, Language.CHINESE)
    ('45 s', '12 min', '9 h', '3 days', '3 天')
    """
    if age_s < 60:
        return seconds(int(age_s), language)
    length, _, *words = next(each for each in _AGES if age_s < each[1])
    return f"{int(age_s // length)}{words[language]}"


def measured(kind: VitalKind, number: str, language: Language = Language.ENGLISH) -> str:
    """A number that has its digits already, with the unit as it is said.

    >>> from vigil.domain.vitals import BY_NAME
    >>> measured(BY_NAME["resp_rate"], "24"), measured(BY_NAME["resp_rate"], "24", Language.CHINESE)
    ('24 a minute', '24/min')
    """
    if not kind.display_unit.startswith("/"):
        return f"{number} {kind.display_unit}"
    return f"{number} a minute" if language is Language.ENGLISH else f"{number}{kind.display_unit}"


def clock_time(us: int) -> str:
    """
    >>> clock_time(1_767_225_600_000_000 + 13 * HOUR + 50 * MINUTE)
    '13:50 UTC'
    """
    return (_EPOCH + timedelta(microseconds=us)).strftime("%H:%M UTC")
