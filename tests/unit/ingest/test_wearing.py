"""A binding has two ends: what a device is told of it, and what becomes of its wearer's word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.again import FIRST_AGAIN_S, LONGEST_AGAIN_S
from tests.conformance.stores.given import patient
from tests.unit.ingest.test_presence import NOW, Site
from vigil.domain.alerts import Alert
from vigil.domain.errors import StoreError
from vigil.domain.people import MANUAL_PREFIX, SELF_TEST_PREFIX, Device
from vigil.domain.wearing import RULE, Word


class Ward(Site):
    """Two patients and a device that is bound to the first."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for patient_id in ("p-1", "p-2"):
            self.records.add_patient(patient(patient_id))
        self.number = self.bind("p-1")
        self.later(1)

    def bind(self, patient_id: str) -> int:
        return self.records.bind("w-1", patient_id, self.clock.now_us()).binding_id

    def answer(self, confirmed: bool, number: int | None = None) -> None:
        said = {"binding": number or self.number, "confirmed": confirmed, "text": "wrong name"}
        self.say("d/w-1/res/bound", said)

    def bound(self) -> list[int | None]:
        return [one["binding"] for one in self.sent("bound")]

    def word(self) -> Word | None:
        return self.records.worn()[0][1]

    def alerts(self, patient_id: str = "p-1") -> list[Alert]:
        return [one for one in self.records.alerts(patient_id=patient_id) if one.rule == RULE]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    opened = Ward(tmp_path)
    yield opened
    opened.records.close()


def test_a_device_is_told_who_wears_it_until_its_wearer_answers(ward: Ward) -> None:
    assert ward.bound() == [ward.number]
    ward.later(FIRST_AGAIN_S)
    assert ward.bound() == [ward.number]
    said_at = ward.clock.now_us()
    ward.answer(True)
    assert ward.word() == Word(True, "", "wrong name", said_at)
    ward.later(2 * LONGEST_AGAIN_S)
    assert (ward.bound(), ward.alerts()) == ([], [])
    ward.say("d/w-1/state", b"online")
    assert ward.bound() == [ward.number]
    ward.later(2 * LONGEST_AGAIN_S)
    assert ward.bound() == []


def test_a_person_who_has_looked_ends_the_asking(ward: Ward) -> None:
    ward.bound()
    ward.records.say_worn(ward.number, Word(True, "Li Na", "", NOW))
    ward.later(2 * LONGEST_AGAIN_S)
    assert ward.bound() == []


def test_a_device_that_is_taken_off_is_told_so_once(ward: Ward) -> None:
    ward.bound()
    ward.records.unbind("w-1", ward.clock.now_us())
    ward.later(1)
    ward.later(2 * LONGEST_AGAIN_S)
    assert ward.bound() == [None]
    ward.say("d/w-1/state", b"online")
    assert ward.bound() == [None]


def test_not_mine_calls_for_a_look_until_somebody_says_it_is(ward: Ward) -> None:
    ward.answer(False)
    (alert,) = ward.alerts()
    assert (alert.kind.value, alert.priority.value, alert.active) == ("technical", "medium", True)
    assert "w-1: the person who wears it says that it is not this patient's" in alert.evidence.text
    ward.answer(False)
    assert ward.alerts() == [alert]
    ward.start()
    ward.later(1)
    assert ward.alerts() == [alert]
    ward.records.say_worn(ward.number, Word(True, "Li Na", "", ward.clock.now_us()))
    ward.later(1)
    assert [one.active for one in ward.alerts()] == [False]


@pytest.mark.parametrize("restarted", [False, True])
def test_taking_the_device_off_ends_the_alert(ward: Ward, restarted: bool) -> None:
    ward.answer(False)
    ward.bind("p-2")
    if restarted:
        ward.start()
    ward.later(1)
    assert [one.active for one in ward.alerts()] == [False]
    assert ward.alerts("p-2") == []


def test_words_about_another_binding_count_for_nothing(ward: Ward) -> None:
    earlier, ward.number = ward.number, ward.bind("p-2")
    ward.later(1)
    ward.answer(False, earlier)
    for answer in (b"yes", b'{"binding":1}', b"[" * 9000, b'{"binding":1e99,"confirmed":false}'):
        ward.say("d/w-1/res/bound", answer)
    ward.say("d/w-9/res/bound", {"binding": ward.number, "confirmed": False})
    assert ward.word() is None
    assert ward.count('ingest_results_refused_total{why="other_binding"}') == 2
    assert ward.count('ingest_results_refused_total{why="unreadable"}') == 4


def test_nobody_is_asked_about_what_is_typed_in_or_only_a_test(ward: Ward) -> None:
    ward.published.clear()
    ward.records.add_patient(replace(patient("p-3"), patient_id=SELF_TEST_PREFIX + "x"))
    for device_id, patient_id in ((MANUAL_PREFIX + "p-1", "p-1"), (SELF_TEST_PREFIX + "w", SELF_TEST_PREFIX + "x")):
        ward.records.put_device(Device(device_id, "m"))
        ward.records.bind(device_id, patient_id, NOW)
    ward.later(1)
    assert ward.published == []


def test_an_alert_that_cannot_be_recorded_is_said_once_and_comes_later(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(ward.records, "record", broken)
        ward.answer(False)
        ward.later(1)
    assert ward.word() is not None
    assert caplog.text.count("the disk is full") == 1
    ward.later(1)
    assert [one.active for one in ward.alerts()] == [True]
