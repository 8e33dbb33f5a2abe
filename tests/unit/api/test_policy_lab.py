"""The policy lab over the API: who may try what on whom, and what is said of a trial."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from api.trials import Change, Outcome, Side, Told, Trial, TrialPlan, TrialState
from tests.unit.api.site import START, Site
from tests.unit.api.test_policies import NIGHT, put, reasons, spo2
from tests.unit.api.two_wards import Ask, open_two_wards
from vigil.domain.alerts import Priority
from vigil.domain.effective import Scope
from vigil.domain.policy import DEFAULT_POLICY
from vigil.domain.times import DAY, MINUTE, to_iso

BASE = "/api/v1/policies"
LOWER: dict[str, Any] = {"limits": [{"vital": "spo2", "side": "low", "limit": 86}]}
RULE = "limit.spo2.low"


@dataclass
class Shelf:
    """Trials that somebody else carries out."""

    kept: list[Trial] = field(default_factory=list)
    ended: list[tuple[Scope, str]] = field(default_factory=list)

    def start(self, plan: TrialPlan) -> Trial | None:
        if any(one.state is TrialState.RUNNING for one in self.kept):
            return None
        self.kept.insert(0, Trial(plan, START))
        return self.kept[0]

    def of(self, scope: Scope, name: str) -> list[Trial]:
        return [one for one in self.kept if one.plan.key == (scope, name)]

    def end(self, scope: Scope, name: str) -> bool:
        self.ended.append((scope, name))
        self.kept = [replace(one, state=TrialState.ENDED) for one in self.kept]
        return True


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def lab(site: Site, shelf: Shelf) -> Site:
    return site.given(trials=shelf)


def limit_of(plan: TrialPlan, place: int = 0) -> list[float]:
    found = [policy.limit("spo2", "low") for policy in (plan.people[place].before, plan.people[place].after)]
    return [rule.limit for rule in found if rule is not None]


def test_a_patient_s_change_is_tried_and_not_kept(lab: Site, shelf: Shelf) -> None:
    lab.admit("p-1")
    answer = lab.post(f"{BASE}/patients/p-1/trials", LOWER | {"days": 3}, "clinician")
    assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (202, "running", 0)
    (trial,) = shelf.kept
    assert (trial.plan.end - trial.plan.start, trial.plan.asked_by) == (3 * DAY, "Li Na")
    assert limit_of(trial.plan) == [90, 86]
    assert (trial.plan.people[0].patient.family, trial.plan.people[0].patient.given) == ("", "")
    assert lab.get(f"{BASE}/patients/p-1").json()["document"] is None


def test_a_ward_s_change_is_tried_on_each_with_his_own_policy(lab: Site, shelf: Shelf) -> None:
    lab.admit("p-1")
    lab.admit("p-2")
    lab.admit("p-3", ward="south")
    put(lab, "patients/p-2", document=spo2(88), reason="known COPD")
    assert lab.post(f"{BASE}/wards/north/trials", LOWER, "clinician").status_code == 202
    (trial,) = shelf.kept
    assert [one.patient.patient_id for one in trial.plan.people] == ["p-1", "p-2"]
    assert [limit_of(trial.plan, place) for place in (0, 1)] == [[90, 86], [88, 88]]
    assert trial.plan.people[0].before.version == DEFAULT_POLICY.version


def test_the_version_says_what_was_edited(lab: Site) -> None:
    lab.admit("p-1")
    put(lab, "patients/p-1", document=spo2(88), reason="known COPD")
    version = lab.post(f"{BASE}/patients/p-1/trials", LOWER, "clinician").json()["version"]
    put(lab, "patients/p-1", document=spo2(89), reason="another nurse")
    late = put(lab, "patients/p-1", query=f"?after={version}", reason="as tried", **LOWER)
    assert (version, late.status_code) == (1, 409)


def test_what_could_not_be_kept_cannot_be_tried(lab: Site, shelf: Shelf) -> None:
    lab.admit("p-1")
    bad = {"limits": [{"vital": "spo2", "side": "low", "limit": 86, "delay_s": 9999}]}
    assert "delay" in reasons(lab.post(f"{BASE}/patients/p-1/trials", bad, "clinician"))[0]
    for days in (0, 8):
        assert lab.post(f"{BASE}/patients/p-1/trials", LOWER | {"days": days}, "clinician").status_code == 422
    put(lab, "wards/north", toml=NIGHT, reason="nights")
    assert "time of day" in reasons(lab.post(f"{BASE}/patients/p-1/trials", LOWER, "clinician"))[0]
    assert lab.post(f"{BASE}/wards/empty/trials", LOWER, "clinician").status_code == 422
    assert shelf.kept == []


def test_one_at_a_time_and_it_can_be_ended(lab: Site, shelf: Shelf) -> None:
    lab.admit("p-1")
    lab.post(f"{BASE}/patients/p-1/trials", LOWER, "clinician")
    assert lab.post(f"{BASE}/wards/north/trials", LOWER, "clinician").status_code == 409
    ended = lab.call("DELETE", f"{BASE}/patients/p-1/trials", "clinician").json()["items"]
    assert ([one["state"] for one in ended], shelf.ended) == (["ended"], [(Scope.PATIENT, "p-1")])
    assert lab.post(f"{BASE}/wards/north/trials", LOWER, "clinician").status_code == 202
    assert lab.call("DELETE", f"{BASE}/wards/north/trials", "clinician").json()["items"][0]["state"] == "ended"


def told(priority: Priority, at: int, calls: int = 1) -> Told:
    return Told("p-1", RULE, priority, at, at + MINUTE, at + 5 * MINUTE, calls)


def test_what_comes_of_it_is_shown_side_by_side(lab: Site, shelf: Shelf) -> None:
    lab.admit("p-1")
    lab.post(f"{BASE}/patients/p-1/trials", LOWER | {"days": 2}, "clinician")
    plan, high = shelf.kept[0].plan, told(Priority.HIGH, START - DAY)
    before, after = Side({"high": 2, "medium": 1}, {RULE: 3}, 6), Side({"medium": 1}, {RULE: 1}, 2)
    outcome = Outcome(before, after, [1, 0], 0, 1, [Change(high, None, "a-1"), Change(None, high)], 4)
    shelf.kept[0] = Trial(plan, START, TrialState.FINISHED, 1, "", outcome)
    (shown,) = lab.get(f"{BASE}/patients/p-1/trials", "clinician").json()["items"]
    result = shown["result"]
    assert result["before"]["alerts"] == {"high": 2, "medium": 1, "low": 0}
    # One day of one patient is 2.4 hours of a nurse for ten.
    assert [result[side]["interruptions_per_nurse_hour"] for side in ("before", "after")] == [2.5, 0.8333]
    assert [one["patients"] for one in result["days"]] == [1, 0]
    assert (result["days"][0]["start_at"], result["days"][-1]["end_at"]) == (shown["start_at"], shown["end_at"])
    vanishes, appears = result["changes"]
    assert (vanishes["alert_id"], vanishes["after"]) == ("a-1", None)
    assert (appears["alert_id"], appears["before"]) == (None, None)
    assert vanishes["before"]["shown_at"] == to_iso(START - DAY + MINUTE)
    assert (result["same"], result["more"]) == (1, 4)


def test_without_data_there_is_no_rate(lab: Site, shelf: Shelf) -> None:
    lab.admit("p-1")
    lab.post(f"{BASE}/patients/p-1/trials", LOWER | {"days": 1}, "clinician")
    nothing = Side({}, {}, 0)
    outcome = Outcome(nothing, nothing, [0], 1, 0, [])
    shelf.kept[0] = replace(shelf.kept[0], state=TrialState.FINISHED, outcome=outcome)
    result: dict[str, Any] = lab.get(f"{BASE}/patients/p-1/trials", "clinician").json()["items"][0]["result"]
    assert (result["without_data"], result["after"]["interruptions_per_nurse_hour"]) == (1, None)


def test_only_who_may_change_a_policy_may_try_one(lab: Site, shelf: Shelf) -> None:
    lab.admit("p-1")
    for role in ("nurse", "technician", "auditor", "research"):
        for method in ("GET", "POST", "DELETE"):
            answer = lab.call(method, f"{BASE}/patients/p-1/trials", role, json=LOWER if method == "POST" else None)
            assert answer.status_code == 403, (method, role)
    assert shelf.kept == []


def test_nobody_tries_or_sees_anything_of_another_ward(tmp_path: Path) -> None:
    both = open_two_wards(tmp_path)
    shelf = Shelf()
    both.site.app.state.context = replace(both.site.context, deps=replace(both.site.deps, trials=shelf))
    for place, name in (("patients", both.other.patient_id), ("wards", both.other.ward)):
        path = f"{BASE}/{place}/{name}/trials"
        asked = [Ask("POST", path, LOWER), Ask("GET", path), Ask("DELETE", path)]
        assert [one.status_code for one in both.all(asked, both.admin)] == [404, 404, 404]
    assert shelf.kept == []
    own = both.one(Ask("POST", f"{BASE}/wards/{both.own.ward}/trials", LOWER), both.admin)
    assert own.status_code == 202
    assert {one.patient.ward for one in shelf.kept[0].plan.people} == {both.own.ward}
    both.site.close()


def test_an_installation_without_a_lab_says_so(site: Site) -> None:
    site.admit("p-1")
    assert site.post(f"{BASE}/patients/p-1/trials", LOWER, "clinician").status_code == 422
    for method in ("GET", "DELETE"):
        assert site.call(method, f"{BASE}/patients/p-1/trials", "clinician").json() == {"items": []}
