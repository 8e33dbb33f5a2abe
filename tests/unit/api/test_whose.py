"""Whose weight is it? Listed until answered, answered once, entered for whom it is and never twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from api.deps import ManualEntry
from tests.unit.api.site import START, Site
from vigil.domain.errors import StoreError
from vigil.domain.people import Device
from vigil.domain.quality import Quality
from vigil.domain.times import DAY, to_iso
from vigil.domain.whose import Answer, Weight, WhoseQuestion

WHERE = "/api/v1/questions"
BEFORE = START - DAY


@pytest.fixture
def asked(site: Site) -> int:
    """p-1 has a scale; p-2 lives in the same home. The number of the question."""
    site.admit("p-1", "s-1")
    site.admit("p-2")
    question = WhoseQuestion("s-1", "p-1", Weight(BEFORE, 83.4), BEFORE + 5, Weight(BEFORE - DAY, 61.2), BEFORE + 9)
    site.records.ask_whose([question])
    return site.records.open_questions()[0].question_id


def reply(patient_id: str | None) -> dict[str, str | None]:
    return {"patient_id": patient_id, "reason": "weighed again beside the nurse"}


def open_ones(site: Site) -> int:
    return len(site.get(WHERE).json()["items"])


def test_a_question_says_what_was_measured_and_what_it_does_not_go_with(site: Site, asked: int) -> None:
    assert site.get(WHERE).json() == {
        "items": [
            {
                "question_id": asked,
                "device_id": "s-1",
                "patient_id": "p-1",
                "vital": "body_weight",
                "unit": "kg",
                "value": 83.4,
                "measured_at": to_iso(BEFORE),
                "last_value": 61.2,
                "last_measured_at": to_iso(BEFORE - DAY),
                "asked_at": to_iso(BEFORE),
            }
        ]
    }


@pytest.mark.parametrize("patient_id", ["p-1", "p-2"])
def test_an_answer_enters_the_value_for_whom_it_names_at_its_own_time(site: Site, asked: int, patient_id: str) -> None:
    answer = site.post(f"{WHERE}/{asked}/answer", reply(patient_id))
    assert answer.status_code == 200
    assert answer.json() == {
        "question_id": asked,
        "patient_id": patient_id,
        "answered_at": to_iso(START),
        "ordinals": [1],
    }
    assert site.entries == [ManualEntry(patient_id, (("body_weight", 83.4, BEFORE),), "Li Na")]
    assert open_ones(site) == 0
    assert site.records.question(asked).answer == Answer(patient_id, "weighed again beside the nurse", "Li Na", START)


def test_nobodys_is_entered_for_nobody(site: Site, asked: int) -> None:
    answer = site.post(f"{WHERE}/{asked}/answer", reply(None))
    assert (answer.status_code, answer.json()["ordinals"], answer.json()["patient_id"]) == (200, [], "p-1")
    assert (site.entries, open_ones(site)) == ([], 0)


def test_an_answer_is_given_once(site: Site, asked: int) -> None:
    assert site.post(f"{WHERE}/{asked}/answer", reply("p-1")).status_code == 200
    for again in ("p-1", "p-2", None):
        assert site.post(f"{WHERE}/{asked}/answer", reply(again)).status_code == 409
    assert len(site.entries) == 1


def test_of_answers_that_come_together_one_is_taken(site: Site, asked: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        given = [pool.submit(site.post, f"{WHERE}/{asked}/answer", reply(who)) for who in ("p-1", "p-2", "p-1", None)]
        statuses = sorted(one.result().status_code for one in given)
    assert statuses == [200, 409, 409, 409]
    answer = site.records.question(asked).answer
    assert answer is not None
    assert [entry.patient_id for entry in site.entries] == ([answer.patient_id] if answer.patient_id else [])


def test_while_the_value_cannot_be_entered_the_question_stays_open(site: Site, asked: int) -> None:
    def refuse(_entry: ManualEntry) -> list[int]:
        raise StoreError("busy")

    assert site.given(submit=refuse).post(f"{WHERE}/{asked}/answer", reply("p-1")).status_code == 503
    assert open_ones(site) == 1
    assert site.post(f"{WHERE}/{asked}/answer", reply("p-1")).status_code == 200


def test_what_was_entered_before_a_failure_is_not_entered_again(site: Site, asked: int) -> None:
    """The core ended between the value and the answer."""
    site.records.put_device(Device("manual.p-1", ""))
    site.records.bind("manual.p-1", "p-1", 0)
    site.store("manual.p-1", "body_weight", [83.4], start=BEFORE, quality=Quality.MANUAL)
    answer = site.post(f"{WHERE}/{asked}/answer", reply("p-1"))
    assert (answer.status_code, answer.json()["ordinals"], site.entries) == (200, [1], [])


@pytest.mark.parametrize(
    ("number", "body", "status"),
    [
        (None, {"patient_id": "p-9", "reason": "x"}, 404),
        (None, {"patient_id": "self-test.up", "reason": "x"}, 404),
        (None, {"patient_id": "p-3", "reason": "x"}, 422),  # discharged
        (None, {"reason": "x"}, 422),
        (None, {"patient_id": "p-1"}, 422),
        (None, {"patient_id": None, "reason": ""}, 422),
        (99, {"patient_id": "p-1", "reason": "x"}, 404),
        (0, {"patient_id": "p-1", "reason": "x"}, 422),
        (2**63, {"patient_id": "p-1", "reason": "x"}, 422),
    ],
)
def test_answers_that_cannot_be(site: Site, asked: int, number: int | None, body: object, status: int) -> None:
    site.admit("p-3")
    site.records.discharge("p-3", START)
    assert site.post(f"{WHERE}/{asked if number is None else number}/answer", body).status_code == status
    assert (site.entries, open_ones(site)) == ([], 1)


def test_who_may(site: Site, asked: int) -> None:
    assert site.get(WHERE, "technician").status_code == 403
    for role in ("technician", "auditor", "research"):
        assert site.post(f"{WHERE}/{asked}/answer", reply("p-1"), role).status_code == 403
    assert open_ones(site) == 1


def test_the_marked_value_is_in_the_chart_and_says_so(site: Site, asked: int) -> None:
    site.store("s-1", "body_weight", [83.4], start=START, quality=Quality.WHOSE_UNKNOWN)
    chart = site.get("/api/v1/patients/p-1/vitals?vital=body_weight&raw=true").json()
    (point,) = chart["streams"][0]["raw"]
    assert (point["value"], point["quality"]) == (83.4, int(Quality.WHOSE_UNKNOWN))
    assert site.records.question(asked) == replace(site.records.open_questions()[0])
