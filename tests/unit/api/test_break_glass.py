"""Break-glass: another ward's patient for an hour, with a reason; told at once, reviewed by another, and over when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.audit import audit_log
from api.auth import Role
from tests.unit.api.test_care import objects
from tests.unit.api.two_wards import MARK, OWN, Ask, Headers, TwoWards, open_two_wards
from vigil.domain.audit import Question
from vigil.domain.break_glass import MOST, Grant
from vigil.domain.times import HOUR, MINUTE, SECOND, to_iso

REASON = "found on the floor of our ward"
GRANT = Grant("g-1-in-file", "li", f"p-{MARK}", "because of Sealed-Marker", 1, 2)
WHERE = f"/api/v1/patients/p-{MARK}"


@pytest.fixture
def both(tmp_path: Path) -> Iterator[TwoWards]:
    opened = open_two_wards(tmp_path)
    yield opened
    opened.site.close()


def open_it(both: TwoWards, who: Headers, patient_id: str = f"p-{MARK}", reason: Any = REASON) -> Any:
    return both.one(Ask("POST", f"/api/v1/patients/{patient_id}/break-glass", {"reason": reason}), who)


def wait_until(both: TwoWards, who: Headers, at: int) -> None:
    """Somebody sits there all the time, or the session would lock."""
    clock = both.site.clock
    while clock.now_us() < at:
        clock.jump_to(min(at, clock.now_us() + 10 * MINUTE))
        assert both.one(Ask("POST", "/api/v1/auth/active"), who).status_code == 204


def test_for_an_hour_everything_about_this_patient_answers(both: TwoWards) -> None:
    asked = [
        one
        for name, _, one in objects(both)
        if one.method == "GET"
        and f"/p-{MARK}" in one.path
        and not one.path.endswith(("-gone", "/trials"))  # no nurse's
    ]
    asked += [Ask("GET", f"/api/v1/alerts/{both.other.alert_id}"), Ask("GET", f"/api/v1/devices/w-{MARK}/clock")]
    assert {one.status_code for one in both.all(asked, both.nurse)} == {404}
    made = open_it(both, both.nurse)
    ends = both.site.clock.now_us() + HOUR
    assert made.status_code == 201, made.text
    assert made.json() == {"id": made.json()["id"], "patient_id": f"p-{MARK}", "expires_at": to_iso(ends)}
    assert {one.status_code for one in both.all(asked, both.nurse)} == {200}
    listed = both.one(Ask("GET", "/api/v1/patients"), both.nurse).json()["items"]
    assert {one["id"] for one in listed} == {f"p-{OWN}", f"p-{MARK}"}
    wait_until(both, both.nurse, ends - 1)
    assert both.one(Ask("GET", WHERE), both.nurse).status_code == 200
    both.site.clock.jump_to(ends)
    assert {one.status_code for one in both.all(asked, both.nurse)} == {404}


def test_it_is_for_this_patient_and_this_person_only(both: TwoWards) -> None:
    other = both.log_in("mo", Role.NURSE, [OWN])
    assert open_it(both, both.nurse).status_code == 201
    asked = [
        Ask("GET", f"/api/v1/patients/p-{MARK}-gone/alerts"),
        Ask("GET", f"/api/v1/policies/wards/{MARK}"),
        Ask("GET", f"/api/v1/teams/{MARK}"),
        Ask("GET", f"/api/v1/handover?ward={MARK}"),
    ]
    assert {one.status_code for one in both.all(asked, both.nurse)} == {404}
    assert both.one(Ask("GET", WHERE), other).status_code == 404


def test_he_may_treat_the_patient_not_only_read(both: TwoWards) -> None:
    entered = Ask("POST", f"{WHERE}/observations", {"values": [{"vital": "consciousness", "value": "A"}]})
    assert both.one(entered, both.nurse).status_code == 404
    open_it(both, both.nurse)
    assert both.one(entered, both.nurse).status_code == 201
    taken = Ask("POST", f"/api/v1/alerts/{both.other.snoozed_id}/acknowledge", {"version": 2})
    assert both.one(taken, both.nurse).status_code == 200


def test_the_card_says_so_to_everybody_who_sees_it_and_not_why(both: TwoWards) -> None:
    open_it(both, both.nurse)
    said = [{"by": "li", "until": to_iso(both.site.clock.now_us() + HOUR)}]
    theirs = both.log_in("mo", Role.NURSE, [MARK])
    for headers in (theirs, both.whole, both.nurse):
        answer = both.one(Ask("GET", WHERE), headers)
        assert answer.json()["break_glass"] == said
        assert REASON not in answer.text
    assert both.one(Ask("GET", f"/api/v1/patients/p-{OWN}"), both.whole).json()["break_glass"] == []


@pytest.mark.parametrize("reason", ["", "too short", "         a", None, "x" * 501])
def test_without_a_reason_nothing_opens(both: TwoWards, reason: str | None) -> None:
    assert open_it(both, both.nurse, reason=reason).status_code == 422
    assert both.one(Ask("GET", WHERE), both.nurse).status_code == 404


def test_who_sees_the_patient_anyway_needs_none_and_who_is_not_there_stays_so(both: TwoWards) -> None:
    assert open_it(both, both.nurse, f"p-{OWN}").status_code == 422
    assert open_it(both, both.whole).status_code == 422
    assert open_it(both, both.nurse, "p-nobody").status_code == 404
    assert open_it(both, both.log_in("re", Role.RESEARCH, [OWN])).status_code == 403


def test_a_machine_has_no_emergencies(both: TwoWards) -> None:
    body = {"name": "wall", "role": "nurse", "rights": None, "wards": [OWN], "days": 1}
    token = both.one(Ask("POST", "/api/v1/tokens", body), both.whole).json()["token"]
    assert open_it(both, {"Authorization": f"Bearer {token}"}).status_code == 403


def test_ten_an_hour_then_wait(both: TwoWards) -> None:
    site = both.site
    for number in range(MOST + 1):
        site.admit(f"p-{number}", ward=MARK)
    for number in range(MOST):
        assert open_it(both, both.nurse, f"p-{number}").status_code == 201
        site.clock.advance(1)
    refused = open_it(both, both.nurse, f"p-{MOST}")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, str(HOUR // SECOND - MOST))
    assert open_it(both, both.log_in("mo", Role.NURSE, [OWN]), f"p-{MOST}").status_code == 201
    wait_until(both, both.nurse, site.clock.now_us() + HOUR - MOST * SECOND)
    assert open_it(both, both.nurse, f"p-{MOST}").status_code == 201


def test_guessing_ids_is_slowed_down(both: TwoWards) -> None:
    answers = [open_it(both, both.nurse, f"p-guess-{number}").status_code for number in range(12)]
    assert answers[:10] == [404] * 10
    assert answers[10:] == [429, 429]


def test_it_outlives_a_restart(both: TwoWards) -> None:
    who = both.nurse
    open_it(both, who)
    again = TwoWards(both.site.given(), both.own, both.other)
    assert again.one(Ask("GET", WHERE), who).status_code == 200


def test_another_person_says_once_whether_it_was_right(both: TwoWards) -> None:
    opened_at = both.site.clock.now_us()
    grant = open_it(both, both.nurse).json()["id"]
    open_list, whole_list = Ask("GET", "/api/v1/break-glass?open=true"), Ask("GET", "/api/v1/break-glass")
    auditor = both.bearer("auditor")
    waiting = {
        "id": grant,
        "by": "li",
        "patient_id": f"p-{MARK}",
        "reason": REASON,
        "at": to_iso(opened_at),
        "expires_at": to_iso(opened_at + HOUR),
        "running": True,
        "review": None,
    }
    assert both.one(open_list, auditor).json() == {"items": [waiting]}
    assert both.one(open_list, both.nurse).status_code == 403
    assert both.one(open_list, both.admin).status_code == 403
    both.site.clock.advance(2 * 3600)
    said = Ask("POST", f"/api/v1/break-glass/{grant}/review", {"verdict": "justified", "note": "seen by two"})
    himself = {"Authorization": f"Bearer {both.site.token('auditor', 'li')}"}
    assert both.one(said, himself).status_code == 403
    reviewed = both.one(said, auditor)
    at = to_iso(both.site.clock.now_us())
    review = {"verdict": "justified", "note": "seen by two", "by": "Li Na", "at": at}
    assert reviewed.json() == {**waiting, "running": False, "review": review}
    assert both.one(said, auditor).status_code == 409
    assert both.one(open_list, auditor).json() == {"items": []}
    assert both.one(whole_list, auditor).json() == {"items": [reviewed.json()]}
    unknown = Ask("POST", "/api/v1/break-glass/none/review", {"verdict": "justified"})
    assert both.one(unknown, auditor).status_code == 404
    wrong = Ask("POST", f"/api/v1/break-glass/{grant}/review", {"verdict": "fine"})
    assert both.one(wrong, auditor).status_code == 422


def test_the_audit_log_has_it_with_its_reason(both: TwoWards) -> None:
    grant = open_it(both, both.nurse).json()["id"]
    both.one(Ask("POST", f"/api/v1/break-glass/{grant}/review", {"verdict": "not_justified"}), both.bearer("auditor"))
    audit_log(both.site.app).write()
    lines = [one.entry for one in both.site.records.audit(Question(patient_id=f"p-{MARK}", limit=50))]
    opened = [one for one in lines if one.route.endswith("/break-glass")]
    assert {(one.who, one.status, one.reason) for one in opened} == {("li", 0, ""), ("li", 201, REASON)}
    assert [one.status for one in lines if one.route.endswith("/review")] == [200]


def test_the_reason_is_sealed_in_the_file(both: TwoWards, tmp_path: Path) -> None:
    """In the table of grants. The audit log keeps it as it keeps every reason."""
    both.site.records.break_glass.put_grant(GRANT)
    raw = b"".join(one.read_bytes() for one in tmp_path.iterdir() if one.name.startswith("records.db"))
    assert both.site.records.break_glass.grant(GRANT.grant_id).reason == GRANT.reason
    assert GRANT.grant_id.encode() in raw
    assert b"Sealed-Marker" not in raw
