"""The list of erasures, and when somebody may be erased."""

from __future__ import annotations

from datetime import date

import pytest

from vigil.domain.erasure import SETTLED_AFTER, Erasure, read, require_settled, written
from vigil.domain.errors import InvalidInput
from vigil.domain.people import Patient


def test_a_list_is_read_as_it_was_written() -> None:
    erasures = [Erasure("p-1", 1_767_225_600_000_000, "Li Na"), Erasure("p-2", 5, "")]
    assert read(written(erasures)) == erasures
    assert read("") == []


@pytest.mark.parametrize(
    "line",
    ["p-1", "{}", "[]", "1", '{"patient_id": "p-1", "at": "5", "by": ""}', '{"patient_id": 1, "at": 5, "by": ""}', ""],
)
def test_a_line_that_cannot_be_read_is_not_passed_over(line: str) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        read(written([Erasure("p-1", 1, "Li")]) + line + "\n")


def test_a_stay_must_be_over_for_so_long_that_nothing_can_come() -> None:
    def left(at: int | None) -> Patient:
        return Patient("p-1", "F", "G", date(1950, 1, 1), "male", "north", discharged_at=at)

    with pytest.raises(InvalidInput, match="under watch"):
        require_settled(left(None), 10)
    with pytest.raises(InvalidInput, match="24 h"):
        require_settled(left(10), 9 + SETTLED_AFTER)
    require_settled(left(10), 10 + SETTLED_AFTER)
