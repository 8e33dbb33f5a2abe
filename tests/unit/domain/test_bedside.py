"""Notes, contacts and pauses: what is taken, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from vigil.domain.contacts import LONGEST, Contacts
from vigil.domain.errors import InvalidInput
from vigil.domain.notes import LONGEST_NOTE, SAME_TAP, Note, NoteKind
from vigil.domain.pauses import LONGEST_PAUSE, Pause
from vigil.domain.times import MINUTE

TODAY = date(2026, 1, 1)
NOTE = Note("p-1", NoteKind.NOTE, "slept badly", "li", 100)
KNOWN = Contacts("030 1", "Lindenweg 3", "Li Na", "daughter", "030 2", "ward level", "Dr Wang", TODAY)
BATH = Pause("p-1", 0, 90 * MINUTE, "bath", "li")


@pytest.mark.parametrize(
    "change",
    [{"text": ""}, {"text": " \n"}, {"text": "x" * (LONGEST_NOTE + 1)}, {"patient_id": "self-test.up"}],
)
def test_a_note_that_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(NOTE, **change).checked()


@pytest.mark.parametrize("kind", [NoteKind.CALLED, NoteKind.NO_ANSWER, NoteKind.SENT_HELP])
def test_what_was_done_needs_no_words(kind: NoteKind) -> None:
    assert replace(NOTE, kind=kind, text="  ").checked() == replace(NOTE, kind=kind, text="")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"at": 100}, True),
        ({"at": 99 + SAME_TAP}, True),
        ({"at": 100 + SAME_TAP}, False),
        ({"at": 99}, False),
        ({"author": "chen"}, False),
        ({"text": "slept well"}, False),
        ({"kind": NoteKind.CALLED}, False),
        ({"alert_id": "a-1"}, False),
    ],
)
def test_a_second_tap(change: dict[str, Any], same: bool) -> None:
    assert replace(NOTE, **change).repeats(NOTE) is same
    assert not replace(NOTE, **change).repeats(replace(NOTE, struck_by="li", struck_at=101))


def test_contacts_lose_the_spaces_around_them_and_nothing_else() -> None:
    spaced = replace(KNOWN, phone=" 030 1\t", ceiling="\nward level ")
    assert spaced.checked(TODAY) == KNOWN
    assert Contacts().checked(TODAY) == Contacts()


@pytest.mark.parametrize(
    "change",
    [
        *({name: "x" * (most + 1)} for name, most in LONGEST.items()),
        {"ceiling_by": "x" * 201},
        {"ceiling": " "},
        {"ceiling_by": ""},
        {"ceiling_on": None},
        {"ceiling_on": date(2026, 1, 2)},
        {"ceiling": "", "ceiling_by": ""},
    ],
)
def test_contacts_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(KNOWN, **change).checked(TODAY)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": " "},
        {"end_at": MINUTE - 1},
        {"end_at": -1},
        {"end_at": LONGEST_PAUSE + 1},
        {"patient_id": "self-test.up"},
    ],
)
def test_a_pause_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(BATH, **change).checked()


def test_the_shortest_and_the_longest_pause() -> None:
    for end in (MINUTE, LONGEST_PAUSE):
        assert replace(BATH, end_at=end).checked() == replace(BATH, end_at=end)


def test_a_pause_runs_from_its_start_to_its_end_or_to_when_somebody_ended_it() -> None:
    assert [BATH.runs(at) for at in (-1, 0, 90 * MINUTE - 1, 90 * MINUTE)] == [False, True, True, False]
    ended = replace(BATH, ended_at=MINUTE, ended_by="li")
    assert [ended.runs(at) for at in (0, MINUTE - 1, MINUTE)] == [True, True, False]
    assert (BATH.over_at, ended.over_at) == (90 * MINUTE, MINUTE)
