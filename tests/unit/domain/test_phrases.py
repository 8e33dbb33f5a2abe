"""The words of alerts in both languages: never a number or unit that differs, and none that is only English."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.lives import LATER, after, opened, stamp
from vigil.domain.alerts import Alert
from vigil.domain.lifecycle import Amended, Withdraw
from vigil.domain.phrases import Chinese, Language, amended, chinese, phrase, render, tell, title_of
from vigil.domain.phrases.catalogue import CATALOGUE
from vigil.domain.phrases.names import CHINESE_VITALS, CHINESE_WORDS, ENGLISH_MEASURES, SCORE_INPUTS, vital_word
from vigil.domain.phrases.render import FORMS, pieces
from vigil.domain.times import DAY, SECOND
from vigil.domain.vitals import VITALS

HAN = re.compile(r"[\u4e00-\u9fff]")
#: Names with a figure in it that only one language has, and the Chinese words for units of time.
_SAME = (
    ("SpO2", ""), ("分钟", "min"), ("小时", "h"), ("秒", "s"), ("天", "d"), ("days", "d"), (" a minute", "/min"),
)  # fmt: skip
_FIGURE = re.compile(r"\d+(?:\.\d+)?(?: ?(?:/min|%|°C|mmHg|kg|mg/dL|mmol/L|L/min|ms|steps|dBm|min|s|h|d)(?![A-Za-z]))?")
KEYS = sorted(CATALOGUE)

NUMBERS = st.floats(0, 500, allow_nan=False).map(lambda value: round(value, 2))
NAMES = st.from_regex(r"[wg]-[0-9a-f]{2,6}", fullmatch=True)
TITLES = st.sampled_from([phrase("no_data.title"), phrase("limit.low.title", vital="spo2"), "SpO2 low"])
ITEMS = st.lists(st.builds(lambda value: phrase("combination.one", vital="bp_sys", value=value), NUMBERS), max_size=4)
#: What stands behind a value in a reason of a model.
BEHIND = st.builds(lambda apart: phrase("reason.above_typical", apart=str(apart), other="18"), st.integers(1, 99))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "": st.integers(0, 10_000) | NAMES,
    "input": st.sampled_from(sorted(SCORE_INPUTS)),
    "amount": NUMBERS,
    "limit": NUMBERS,
    "whole": NUMBERS,
    "tenths": NUMBERS,
    "part": NUMBERS | st.sampled_from("ACVPU"),
    "measured": st.integers(0, 300).map(str),
    "signed": st.integers(-3, 3),
    "old": st.integers(0, 10 * 86_400),
    "long": st.integers(0, 10 * DAY),
    "seconds": st.integers(0, 100_000),
    "clock": st.integers(0, 2 * 10**15),
    "words": st.sampled_from(sorted(CHINESE_WORDS)) | NAMES,
    "phrase": TITLES,
    "list": ITEMS,
    "series": ITEMS,
    "run": st.lists(BEHIND, max_size=2),
}
OF_MEASURE = {"measure", "inside", "measured"}


def holes(template: str) -> set[tuple[str, str]]:
    return {(name, form) for _, name, form in pieces(template) if name}


@st.composite
def phrases(draw: st.DrawFn, key: str) -> dict[str, Any]:
    """The phrase of a key with any values that it may have."""
    wanted = holes(CATALOGUE[key][Language.ENGLISH])
    of_measure = OF_MEASURE & {form for _, form in wanted}
    values = {"vital": draw(st.sampled_from(sorted(ENGLISH_MEASURES if of_measure else CHINESE_VITALS)))}
    return phrase(key, **values, **{name: draw(VALUES[form]) for name, form in sorted(wanted) if name != "vital"})


def figures(text: str) -> Counter[str]:
    """Every number with the unit behind it."""
    for word, same in _SAME:
        text = text.replace(word, same)
    return Counter(found.replace(" ", "") for found in _FIGURE.findall(text))


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=20)
@given(st.data())
def test_both_languages_say_the_same_numbers_units_and_limits(key: str, data: st.DataObject) -> None:
    said = data.draw(phrases(key))
    in_english, in_chinese = render(said, Language.ENGLISH), render(said, Language.CHINESE)
    assert figures(in_english) == figures(in_chinese), (in_english, in_chinese)


@pytest.mark.parametrize(
    ("english", "chinese", "differ"),
    [
        ("SpO2 84 %, below 90 % for 15 s.", "血氧饱和度 84 %，低于 90 %，已持续 15 秒。", False),
        ("SpO2 84 %, below 90 % for 15 s.", "血氧饱和度 84 %，低于 91 %，已持续 15 秒。", True),
        ("SpO2 84 %, below 90 % for 15 s.", "血氧饱和度 84 %，低于 90 %，已持续 15 分钟。", True),
        ("Pulse 96 a minute", "脉率 96/min", False),
        ("Pulse 96 a minute", "脉率 96 mmHg", True),
    ],
)
def test_the_comparison_sees_what_differs(english: str, chinese: str, differ: bool) -> None:
    assert (figures(english) != figures(chinese)) is differ


@pytest.mark.parametrize("key", KEYS)
def test_both_languages_have_the_same_values_in_the_same_forms(key: str) -> None:
    in_english, in_chinese = CATALOGUE[key]
    assert holes(in_english) == holes(in_chinese)
    assert all(form in FORMS for _, form in holes(in_english))
    own = "".join(literal for literal, _, _ in pieces(in_english))
    assert not re.search(r"[a-z]{2}", own) or HAN.search(in_chinese), "words that are only English"
    assert "!" not in own
    assert "please" not in own.lower()
    assert not HAN.search(own)


def test_each_name_and_each_fixed_word_has_its_chinese() -> None:
    assert CHINESE_VITALS.keys() == {kind.name for kind in VITALS}
    assert all(HAN.search(vital_word(kind.name, Language.CHINESE)) for kind in VITALS)
    assert all(HAN.search(name) for _, name in SCORE_INPUTS.values())
    for in_english, in_chinese in CHINESE_WORDS.items():
        assert HAN.search(in_chinese)
        assert figures(in_english) == figures(in_chinese)


def told(*text: dict[str, Any]) -> Alert:
    words = tell(phrase("limit.low.title", vital="spo2"), *text)
    alert = opened()
    return replace(alert, title=words.title, evidence=replace(alert.evidence, text=words.text, said=words.said))


LOW = phrase("limit.low.lasting", vital="spo2", value=84.4, limit=90, lasted=15 * SECOND), phrase("signal.good")


def test_an_alert_is_read_in_chinese_with_the_numbers_of_the_english() -> None:
    alert = told(*LOW)
    assert (alert.title, alert.evidence.text) == ("SpO2 low", "SpO2 84 %, below 90 % for 15 s. Good signal.")
    assert chinese(alert) == Chinese("血氧饱和度过低", "血氧饱和度 84 %，低于 90 %，已持续 15 秒。信号良好。")


def test_what_a_decision_adds_is_added_in_both_languages() -> None:
    withdrawn = after(told(*LOW), Withdraw(stamp(LATER), "limit changed"))
    assert withdrawn.evidence.text.endswith("Good signal. Withdrawn: limit changed.")
    assert chinese(withdrawn).text.endswith("信号良好。已撤销：报警限已更改。")  # type: ignore[union-attr]
    note = "Readings that came later show that this condition did not hold."
    changed = after(told(*LOW), Amended(stamp(LATER), note))
    assert (amended(changed), amended(withdrawn), amended(opened())) == (True, False, False)
    assert changed.evidence.text.endswith(f"Good signal. {note}")
    assert chinese(changed).text.endswith("信号良好。补传数据显示该情况并不成立。")  # type: ignore[union-attr]


def test_a_reason_that_nobody_translated_is_shown_as_it_is() -> None:
    withdrawn = after(told(*LOW), Withdraw(stamp(LATER), "a reason of later"))
    assert chinese(withdrawn).text.endswith("已撤销：a reason of later。")  # type: ignore[union-attr]


def test_what_was_kept_before_there_were_phrases_stays_english() -> None:
    old = opened()
    assert chinese(old) is None
    assert chinese(after(old, Withdraw(stamp(LATER), "limit changed"))) is None
    quoted = told(phrase("signal_lost", vital="spo2", alert=title_of(old)))
    assert quoted.evidence.text == f'No valid SpO2 while "{old.title}" is open.'
    assert chinese(quoted).text == f"报警“{old.title}”未结束，但无有效血氧饱和度数据。"  # type: ignore[union-attr]


@pytest.mark.parametrize("unknown", [{"key": "of_a_later_vigil"}, {"key": "no_data", "device": "w-1"}])
def test_a_phrase_that_this_vigil_does_not_know_leaves_the_english(unknown: dict[str, Any]) -> None:
    alert = told(*LOW)
    said = {"title": phrase("no_data.title"), "text": [unknown]}
    assert chinese(replace(alert, evidence=replace(alert.evidence, said=said))) is None


def test_a_title_is_quoted_in_the_language_of_the_sentence() -> None:
    quoted = told(phrase("unanswered", alert=title_of(told(*LOW)), calls=4))
    assert quoted.evidence.text == 'Nobody has answered "SpO2 low": called 4 times, the whole chain of the team.'
    assert chinese(quoted).text == "“血氧饱和度过低”无人应答：已呼叫 4 次，团队各级均已呼叫。"  # type: ignore[union-attr]
