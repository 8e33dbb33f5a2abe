"""What is read of a query, and what is refused before it costs anything."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.prometheus import parse as parser
from api.prometheus.parse import DEEPEST, LONGEST, MOST_TOKENS, parse, parse_selector, span
from api.prometheus.refusal import ErrorType, PromError

PIECES = [
    *("vital_spo2_percent", "sum", "by", "without", "(", ")", "[5m]", "[5m:1m]", "{", "}", "patient", "=", "=~", "!="),
    *(
        "+",
        "-",
        "*",
        "/",
        "^",
        "%",
        "rate",
        "1",
        "NaN",
        "1e99",
        "offset",
        "@",
        "and",
        "or",
        "unless",
        ",",
        "on",
        "topk",
    ),
    *("ignoring", "group_left", "bool", ">", "==", "quantile", "absent", "'", '"', "#", ":", "[1e99]", "999999999y"),
    *("scalar", "vector", "é", "`", "[", "5.5", "0x1F", "inf", "\\"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_any_words_are_read_or_refused(text: str) -> None:
    """Never another error: the parser has panics, and lengths of time that overflow."""
    try:
        parse(text)
    except PromError as error:
        assert error.status in (400, 422)  # noqa: PT017 - both ways are right


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except PromError as error:
        assert error.status in (400, 422)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("1" + "+1" * MOST_TOKENS, 422),
        ("(" * 30_000 + "1", 422),
        ("(" * DEEPEST + "1" + ")" * DEEPEST, 422),
        ("-" * 2 * DEEPEST + "x", 422),
        ("x" * (LONGEST + 1), 422),
        ("x[1e99]", 400),
        ("x offset NaN", 400),
        ("x offset - 1e99", 400),
        ("x[5m:1e99]", 400),
        ("x[5m : 1e99]", 400),
        ("x[99y] offset 1s", 422),
        ("x offset 9999y", 422),
        ('x{a=~"(?=a)"}', 400),
        ('x{a=~"(a{1000}){1000}"}', 400),
        ('x{a=~"((a{100}){100}){10}"}', 400),
    ],
)
def test_what_costs_too_much_is_refused(text: str, status: int) -> None:
    with pytest.raises(PromError) as refused:
        _read_whole(text)
    assert refused.value.status == status


def _read_whole(text: str) -> None:
    tree = parse(text)
    parser.selector(getattr(tree, "vector_selector", tree))
    span(tree.range)


def test_a_quote_in_a_comment_hides_nothing() -> None:
    with pytest.raises(PromError, match="words and signs"):
        parse('1 # "\n' + "+1" * MOST_TOKENS + ' # "')


def test_a_name_that_is_also_a_word_of_the_language_is_a_label() -> None:
    assert parse_selector('x{offset="1e99", nan="inf"}').takes({"__name__": "x", "offset": "1e99", "nan": "inf"})


@pytest.mark.parametrize(
    ("text", "labels", "taken"),
    [
        ('x{patient="p-1"}', {"patient": "p-1"}, True),
        ('x{patient="p"}', {"patient": "p-1"}, False),
        ('x{patient!="p-1"}', {}, True),
        ('x{patient=~"p-[12]"}', {"patient": "p-2"}, True),
        ('x{patient=~"p"}', {"patient": "p-2"}, False),
        ('x{patient=~"p|p-2"}', {"patient": "p-2"}, True),
        ('x{patient!~"p.*"}', {"patient": "p-2"}, False),
        ('x{patient!~"p.*"}', {}, True),
        ('x{patient=""}', {}, True),
        ('x{patient=~".*"}', {}, True),
        ('x{patient="\\") or 1=1 --"}', {"patient": '") or 1=1 --'}, True),
        ('x{patient="a\\nb"}', {"patient": "a\nb"}, True),
        ("y", {}, False),
        ('{__name__=~"x|y"}', {}, True),
    ],
)
def test_matchers_match_whole_values(text: str, labels: dict[str, str], taken: bool) -> None:
    assert parse_selector(text).takes({"__name__": "x", **labels}) is taken


def test_a_regular_expression_that_explodes_elsewhere_takes_no_time() -> None:
    """In Python's ``re`` this one would take 2**60 steps."""
    assert not parse_selector('x{patient=~"(a|a)*b"}').takes({"__name__": "x", "patient": "a" * 60})


@pytest.mark.parametrize(("text", "what"), [("x @ 5", "@"), ('x{a="1" or b="2"}', "or between matchers")])
def test_what_is_understood_and_not_supported_is_named(text: str, what: str) -> None:
    with pytest.raises(PromError, match=what) as refused:
        parse_selector(text)
    assert (refused.value.status, refused.value.kind) == (HTTPStatus.UNPROCESSABLE_ENTITY, ErrorType.BAD_DATA)


def test_only_a_selector_selects() -> None:
    for text in ("sum(x)", "x[5m]", "1", ""):
        with pytest.raises(PromError):
            parse_selector(text)
    assert parse_selector("x offset -90s").offset == -90_000_000
    assert span(timedelta(minutes=5)) == 300_000_000
