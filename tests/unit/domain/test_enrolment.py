"""Claim codes: how they read, how they are typed, and which of them may be used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.enrolment import (
    ALPHABET,
    CODE_BITS,
    RENEWING,
    Claim,
    Enrolment,
    Outcome,
    TakenOver,
    code_hash,
    code_of,
    judged,
    taken_over,
)

NUMBERS = st.integers(0, 2**CODE_BITS - 1)
CLAIM = Claim("w-1", "0" * 64, "Tom", 100, 200)


def test_a_code_has_60_bits_and_no_letter_that_looks_like_another() -> None:
    assert len(set(ALPHABET)) ** 12 == 2**CODE_BITS
    assert not set(ALPHABET) & set("01IO")


@given(NUMBERS, NUMBERS)
def test_each_number_has_its_own_code(one: int, other: int) -> None:
    assert (code_of(one) == code_of(other)) == (one == other)
    assert (code_hash(code_of(one)) == code_hash(code_of(other))) == (one == other)


@given(NUMBERS, st.lists(st.sampled_from(["-", " ", "\t", ""]), min_size=13, max_size=13), st.booleans())
def test_case_spaces_and_hyphens_do_not_matter(number: int, between: list[str], small: bool) -> None:
    code = code_of(number)
    letters = code.replace("-", "")
    typed = between[0] + "".join(letter + gap for letter, gap in zip(letters, between[1:], strict=True))
    assert code_hash(typed.lower() if small else typed) == code_hash(code)


@given(st.text(max_size=64))
def test_anything_may_be_typed(typed: str) -> None:
    hashed = code_hash(typed)
    assert hashed is None or len(hashed) == 64


def test_the_hash_does_not_show_the_code() -> None:
    code = code_of(2**59 + 12345)
    hashed = code_hash(code)
    assert hashed is not None
    assert code.replace("-", "").lower() not in hashed


# claim, for whom the sender says it is, now, what comes of it
TABLE = [
    (None, None, 150, Outcome.UNKNOWN),
    (None, "w-1", 150, Outcome.UNKNOWN),
    (CLAIM, None, 100, Outcome.ENROLLED),
    (CLAIM, "w-1", 199, Outcome.ENROLLED),
    (CLAIM, "w-1", 200, Outcome.EXPIRED),
    (CLAIM, "w-2", 150, Outcome.OTHER_ACCOUNT),
    (CLAIM, "w-2", 200, Outcome.EXPIRED),
    (replace(CLAIM, used_at=120), "w-1", 150, Outcome.USED),
    (replace(CLAIM, used_at=120), "w-2", 300, Outcome.USED),
    (replace(CLAIM, voided_at=120), "w-1", 150, Outcome.VOIDED),
    (replace(CLAIM, used_at=120, voided_at=120), "w-1", 150, Outcome.USED),
]


@pytest.mark.parametrize(("claim", "named", "now", "expected"), TABLE)
def test_which_code_may_be_used(claim: Claim | None, named: str | None, now: int, expected: Outcome) -> None:
    assert judged(claim, named, now) is expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], None),
        ([Outcome.ISSUED, Outcome.USED], None),
        ([Outcome.TAKEN_OVER, Outcome.UNKNOWN, Outcome.TAKEN_OVER, Outcome.CODE_MADE], TakenOver(2, 2)),
        *[([Outcome.TAKEN_OVER, renewed], None) for renewed in RENEWING],
        *[([Outcome.TAKEN_OVER, renewed, Outcome.TAKEN_OVER], TakenOver(1, 2)) for renewed in RENEWING],
    ],
)
def test_since_when_an_account_is_shared(outcomes: list[Outcome], expected: TakenOver | None) -> None:
    assert taken_over([Enrolment("w-1", outcome, "", at) for at, outcome in enumerate(outcomes)]) == expected
