"""Names to log in with, passwords, and what is kept of secrets."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.errors import InvalidInput
from vigil.domain.users import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    MachineToken,
    Role,
    Session,
    User,
    composed,
    csrf_of,
    folded,
    login_name,
    password_given,
    require_admin,
    secret_hash,
)

ADMIN = User("zoe", "Zoë", Role.ADMIN, None, "$argon2id$marker", 1)


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(max_size=80))
def test_a_name_that_is_taken_stays_as_it_is_and_is_seen(text: str) -> None:
    try:
        name = login_name(text)
    except InvalidInput:
        return
    assert login_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert 1 <= len(name) <= LONGEST_NAME
    assert "/" not in name
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in name)


@given(st.text(min_size=1, max_size=64))
def test_however_it_is_typed_it_is_the_same_person(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert folded(unicodedata.normalize(form, text)) == folded(text)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "x" * 65,
        "li\nna",
        "li\tna",
        "li\x00na",
        "li\x7fna",
        "li\u202ena",  # turns the writing around
        "li\u200bna",  # has no width
        "li\u00a0na",  # a space that is another one
        "li\u2028na",
        "li\ue000na",  # means nothing outside one font
        "li\ud800na",  # half a letter
        "li/na",
        ".",
        "..",
    ],
)
def test_names_that_are_none(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        login_name(typed)
    assert not typed.strip(". ") or typed not in str(refused.value)


@pytest.mark.parametrize("typed", ["li.na", "Li Na", "李娜", "Ærøskøbing-3", "a" * 64, "...", "o'brien@ward"])
def test_names_that_are_taken_as_they_are(typed: str) -> None:
    assert login_name(typed) == typed


def test_the_length_of_a_password_and_what_it_may_not_be() -> None:
    good = "correct horse"
    assert password_given(good, "li.na") == good
    assert password_given("x y" * 42 + "zz", "li.na")
    assert len("x y" * 42 + "zz") == LONGEST_PASSWORD
    for bad in ("x y z" * 26, "short words"[: SHORTEST_PASSWORD - 1], "LI.NA.OF.WARD.3", "aaaaaaaaaaaaaaaa"):
        with pytest.raises(InvalidInput) as refused:
            password_given(bad, "li.na.of.ward.3")
        assert bad not in str(refused.value)


def test_a_password_is_the_same_on_every_keyboard() -> None:
    assert composed("Zoe\u0308 of the north") == composed("Zoë of the north")
    assert composed("Case Matters") != composed("case matters")
    assert password_given("e\u0301" * 6 + "123456", "li.na") == "é" * 6 + "123456"


def test_hash_and_csrf_of_a_secret_tell_neither_it_nor_one_another() -> None:
    assert len({secret_hash("s"), csrf_of("s"), secret_hash("t"), csrf_of("t")}) == 4
    assert len(secret_hash("s")) == 64


def test_no_account_shows_what_it_is_checked_by() -> None:
    token = MachineToken("t-1", "marker-hash", "grafana", Role.RESEARCH, None, None, "zoe", 1, 2)
    said = f"{ADMIN} {ADMIN!r} {Session('marker-hash', 'zoe', 1, 1, 2)!r} {token!r}"
    assert "marker" not in said


def test_an_admin_must_be_able_to_log_in() -> None:
    require_admin([replace(ADMIN, role=Role.NURSE), ADMIN])
    for users in ([], [replace(ADMIN, disabled_at=5)], [replace(ADMIN, role=Role.NURSE)]):
        with pytest.raises(InvalidInput, match="admin"):
            require_admin(users)
