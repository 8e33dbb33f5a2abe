"""A phrase in words. A phrase is a key of the catalogue with plain values, as it is kept in JSON:
``{"key": "last", "vital": "spo2", "value": 84.0, "at": 1767225600000000}``; times are microseconds UTC."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from string import Formatter
from typing import Any

from vigil.domain.phrases.catalogue import CATALOGUE
from vigil.domain.phrases.names import (
    CHINESE_ACVPU,
    CHINESE_WORDS,
    ENGLISH_MEASURES,
    SCORE_INPUTS,
    Language,
    vital_name,
    vital_word,
)
from vigil.domain.phrases.numbers import amount, clock_time, lasting, measured, old, seconds, with_unit
from vigil.domain.vitals import BY_NAME

Phrase = dict[str, Any]
#: Value, the phrase that it is of, language.
Form = Callable[[Any, Phrase, Language], str]

_COMMA, _SEMICOLON, _NOTHING = (", ", "、"), ("; ", "；"), ("", "")


def render(phrase: Phrase, language: Language) -> str:
    """Raises ``KeyError`` for a key, a value or a vital that is not known.

    >>> late = {"key": "last", "vital": "spo2", "value": 84.0, "at": 1_767_225_600_000_000}
    >>> render(late, Language.ENGLISH), render(late, Language.CHINESE)
    ('Last: 84 % at 00:00 UTC.', '最近值：84 %（00:00 UTC）。')
    """
    return "".join(
        literal + FORMS[form](phrase[name], phrase, language) if name else literal
        for literal, name, form in pieces(CATALOGUE[phrase["key"]][language])
    )


@cache
def pieces(template: str) -> tuple[tuple[str, str, str], ...]:
    """Text, then the value that follows it and its form; both are empty where none does.

    >>> pieces("No {vital:word}.")
    (('No ', 'vital', 'word'), ('.', '', ''))
    """
    return tuple((literal, name or "", form or "") for literal, name, form, _ in Formatter().parse(template))


def _part(value: float | str | None, _: Phrase, language: Language) -> str:
    """An input of a score: a number, or a letter of ACVPU."""
    if isinstance(value, float):
        return f"{value:g}"
    return CHINESE_ACVPU.get(str(value), str(value)) if language is Language.CHINESE else str(value)


def _measure(value: str, _: Phrase, language: Language) -> str:
    return ENGLISH_MEASURES[value] if language is Language.ENGLISH else vital_name(value, language)


def _words(value: str, _: Phrase, language: Language) -> str:
    return CHINESE_WORDS.get(value, value) if language is Language.CHINESE else value


def _phrase(value: Phrase | str, _: Phrase, language: Language) -> str:
    """A title: a string where an older Vigil kept no phrase."""
    return value if isinstance(value, str) else render(value, language)


def _joined(signs: tuple[str, str]) -> Form:
    def form(value: list[Phrase | str], phrase: Phrase, language: Language) -> str:
        return signs[language].join(_phrase(one, phrase, language) for one in value)

    return form


#: What may stand behind the colon. ``amount`` and ``limit`` have the unit of the phrase's ``vital``.
FORMS: dict[str, Form] = {
    "": lambda value, _, __: str(value),
    "name": lambda value, _, language: vital_name(value, language),
    "word": lambda value, _, language: vital_word(value, language),
    "input": lambda value, _, language: SCORE_INPUTS[value][language],
    "amount": lambda value, phrase, _: amount(BY_NAME[phrase["vital"]], value),
    "limit": lambda value, phrase, _: with_unit(BY_NAME[phrase["vital"]], value),
    "whole": lambda value, _, __: f"{value:.0f}",
    "tenths": lambda value, _, __: f"{value:.1f}",
    "signed": lambda value, _, __: f"{value:+d}",
    "part": _part,
    "measure": _measure,
    "measured": lambda value, phrase, language: measured(BY_NAME[phrase["vital"]], value, language),
    "old": lambda value, _, language: old(value, language),
    "long": lambda value, _, language: lasting(value, language),
    "seconds": lambda value, _, language: seconds(value, language),
    "clock": lambda value, _, __: clock_time(value),
    "words": _words,
    "phrase": _phrase,
    "list": _joined(_COMMA),
    "series": _joined(_SEMICOLON),
    "run": _joined(_NOTHING),
}
