"""Pseudonyms, groups and k."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigil.domain.deidentify import (
    ANY,
    LEVELS,
    MOST_SUPPRESSED,
    SAFE_HARBOR,
    Pseudonyms,
    Traits,
    anonymous,
    band,
    rule_word,
)
from vigil.domain.errors import InvalidInput

PEOPLE = st.builds(
    Traits,
    st.integers(0, 110),
    st.sampled_from(["female", "male", "other"]),
    st.sampled_from(["a", "b", "c"]),
    st.floats(0, 400),
)


@settings(max_examples=80)
@given(st.lists(PEOPLE, min_size=1, max_size=60), st.integers(2, 8))
def test_everybody_who_stays_is_one_of_k_and_few_are_left_out(people: list[Traits], k: int) -> None:
    by_id = {f"p-{number}": one for number, one in enumerate(people)}
    if len(people) < k:
        with pytest.raises(InvalidInput, match="fewer than"):
            anonymous(by_id, k)
        return
    cohort = anonymous(by_id, k)
    sizes = Counter(cohort.told.values())
    assert min(sizes.values()) == cohort.k >= k
    assert cohort.suppressed <= MOST_SUPPRESSED * len(people)
    assert all(LEVELS[cohort.level].told(by_id[one]) == told for one, told in cohort.told.items())


def test_a_ward_is_told_only_where_k_allows_it() -> None:
    alike = [Traits(72, "female", "a", 5.0) for _ in range(5)]
    assert {one.ward for one in anonymous({str(n): one for n, one in enumerate(alike)}, 5).told.values()} == {"a"}
    apart = [Traits(72, "female", f"w-{n}", 5.0) for n in range(5)]
    assert {one.ward for one in anonymous({str(n): one for n, one in enumerate(apart)}, 5).told.values()} == {ANY}


def test_one_rare_person_of_many_is_left_out_rather_than_all_blurred() -> None:
    people = {str(n): Traits(72, "female", "a", 5.0) for n in range(20)} | {"rare": Traits(19, "male", "b", 300.0)}
    cohort = anonymous(people, 5)
    assert (cohort.level, cohort.suppressed, "rare" in cohort.told) == (0, 1, False)


def test_ages_over_89_are_one_group_at_every_level() -> None:
    for level in LEVELS:
        assert level.told(Traits(90, "female", "a", 1.0)) == level.told(Traits(107, "female", "a", 1.0))
    assert band(89, (80, 90)) == "80-89"


def test_a_pseudonym_depends_on_the_key_the_kind_and_the_id() -> None:
    one = Pseudonyms(b"k" * 32)
    assert one.of("patient", "p-1") == Pseudonyms(b"k" * 32).of("patient", "p-1")
    others = {
        one.of("patient", "p-1"),
        one.of("patient", "p-2"),
        one.of("alert", "p-1"),
        Pseudonyms(b"l" * 32).of("patient", "p-1"),
    }
    assert len(others) == 4
    with pytest.raises(InvalidInput, match="32 bytes"):
        Pseudonyms(b"short")


def test_k_of_one_protects_nobody() -> None:
    with pytest.raises(InvalidInput, match="at least 2"):
        anonymous({"p": Traits(50, "male", "a", 1.0)}, 1)


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("no_data.any-device.of.ours", "no_data"),
        ("battery.w-1", "battery"),
        ("signal_lost.limit.spo2.low", "signal_lost.limit.spo2.low"),
        ("risk.st-marys-sepsis", "risk"),
        ("outage.north", "outage"),
        ("flat_line.w-1", "flat_line"),
        ("news2", "news2"),
    ],
)
def test_a_rule_names_no_device_ward_or_model(rule: str, word: str) -> None:
    assert rule_word(rule, frozenset({"w-1"})) == word


def test_all_18_classes_are_told_in_the_page_too() -> None:
    assert len(SAFE_HARBOR) == 18
    page = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text()
    for number, (name, done) in enumerate(SAFE_HARBOR, 1):
        assert f"| {number} | {name} | {done} |\n" in page
    assert f"at most {MOST_SUPPRESSED:.0%}".replace("%", " %") in page
    assert len(LEVELS) == 7
