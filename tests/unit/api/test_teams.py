"""Teams by the API: set, refused with every reason, listed with who set them; who is on call."""

from __future__ import annotations

from typing import Any

from tests.unit.api.site import START, Site
from vigil.domain.times import HOUR, to_iso

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LI = {"id": "Li Na", "name": "Li Na", "channels": ["app"]}
CHEN = {"id": "chen", "name": "Chen Wei", "channels": ["app"]}


def document(**change: Any) -> dict[str, Any]:
    """Li by day, Chen by night, in Berlin: at the start of the tests it is 01:00 there."""
    plain = {
        "id": "north",
        "ward": "north",
        "timezone": "Europe/Berlin",
        "fallback": "",
        "member": [LI, CHEN],
        "shift": [
            {"days": DAYS, "from": "07:00", "to": "19:15", "person": "Li Na"},
            {"days": DAYS, "from": "19:00", "to": "07:00", "person": "chen"},
        ],
        "override": [],
        "level": [
            {"who": ["on_call"], "channels": [], "after": {}},
            {"who": ["everyone"], "channels": ["app"], "after": {"high": 3.0}},
        ],
    }
    return {**plain, **change}


TOML = """
id = "north"
ward = "north"
timezone = "UTC"
fallback = "chen"
[[member]]
id = "chen"
name = "Chen Wei"
channels = ["app"]
[[override]]
date = 2026-01-05
person = "chen"
[[shift]]
days = ["mon"]
from = "08:00"
to = "20:00"
person = "chen"
"""


def put(site: Site, **body: Any) -> Any:
    return site.call("PUT", "/api/v1/teams", "clinician", json={"reason": "first rota", **body})


def reasons(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [one["message"] for one in answer.json()["errors"]]


def test_a_team_is_set_and_read_back(site: Site) -> None:
    answer = put(site, team=document())
    assert answer.status_code == 200, answer.text
    assert answer.json()["team"] == document()
    assert answer.json()["filled"] == []
    assert site.get("/api/v1/teams").json() == {"items": [answer.json()]}
    again = put(site, team=answer.json()["team"])
    assert again.json() == answer.json()


def test_toml_does_the_same_and_the_filled_hole_is_told_at_once(site: Site) -> None:
    answer = put(site, toml=TOML).json()
    assert answer["filled"] == [{"from": "Monday 20:00", "to": "Monday 08:00", "person": "chen"}]
    assert answer["team"]["override"] == [{"date": "2026-01-05", "person": "chen", "replaces": ""}]
    assert [one["who"] for one in answer["team"]["level"]] == [["on_call"], ["everyone"]]
    assert site.get("/api/v1/teams").json()["items"][0]["filled"] == answer["filled"]


def test_a_document_that_cannot_hold_is_refused_with_every_reason(site: Site) -> None:
    put(site, team=document(id="first"))
    wrong = document(member=[LI, {**CHEN, "channels": ["fax"]}], shift=document()["shift"][:1], level=[])
    found = reasons(put(site, team=wrong))
    assert found[:2] == ["ward north has the team first already", "member chen: no channel is called fax"]
    assert found[2] == "rota: nobody is on call from Monday 19:15 to Tuesday 07:00, and there is no fallback"
    assert len(found) == 9
    assert [one["team"]["id"] for one in site.get("/api/v1/teams").json()["items"]] == ["first"]
    (broken,) = reasons(put(site, toml="id = "))
    assert broken.startswith("not a TOML document")


def test_channels_are_those_that_are_configured(site: Site) -> None:
    paged = document(member=[LI, {**CHEN, "channels": ["app", "pager"]}])
    assert reasons(put(site, team=paged)) == ["member chen: no channel is called pager"]
    assert put(site.given(channels=frozenset({"app", "pager"})), team=paged).status_code == 200


def test_one_form_and_a_reason_are_needed(site: Site) -> None:
    bodies: list[dict[str, Any]] = [
        {},
        {"team": document(), "toml": TOML},
        {"team": document(), "reason": ""},
        {"team": []},
    ]
    for body in bodies:
        assert put(site, **body).status_code == 422, body
    assert site.get("/api/v1/teams").json() == {"items": []}


def test_only_who_sets_policies_sets_teams(site: Site) -> None:
    body = {"team": document(), "reason": "first rota"}
    for role, status in (("nurse", 403), ("technician", 403), ("research", 403), ("admin", 200)):
        assert site.call("PUT", "/api/v1/teams", role, json=body).status_code == status, role


def test_every_version_stands_with_who_when_and_why(site: Site) -> None:
    put(site, team=document())
    site.clock.advance(60)
    site.call(
        "PUT",
        "/api/v1/teams",
        "admin",
        "Dr He",
        json={"team": document(fallback="chen"), "reason": "somebody behind"},
    )
    found = site.get("/api/v1/teams/north").json()
    assert found["team"]["fallback"] == "chen"
    assert [(one["set_by"], one["reason"], one["set_at"], one["team"]["fallback"]) for one in found["history"]] == [
        ("Dr He", "somebody behind", to_iso(site.clock.now_us()), "chen"),
        ("Li Na", "first rota", to_iso(START), ""),
    ]
    assert found["version"] == found["history"][0]["version"] != found["history"][1]["version"]
    assert site.get("/api/v1/teams/south").status_code == 404


def test_who_is_on_call_now_and_next(site: Site) -> None:
    put(site, team=document())
    found = site.get("/api/v1/teams/north/on-call").json()
    assert found == {
        "team_id": "north",
        "at": to_iso(START),
        "on_call": [CHEN],
        "filled": False,
        "next": {"at": to_iso(START + 6 * HOUR), "leaving": [CHEN], "on_call": [LI]},
    }
    both = site.get("/api/v1/teams/north/on-call?at=2026-07-01T19:10:00%2B02:00").json()
    assert both["on_call"] == [CHEN, LI]
    assert both["next"] == {"at": "2026-07-01T17:15:00.000Z", "leaving": [LI], "on_call": [CHEN]}
    assert site.get("/api/v1/teams/north/on-call?at=tomorrow").status_code == 422
    assert site.get("/api/v1/teams/south/on-call").status_code == 404


def test_the_fallback_on_call_is_told_as_such(site: Site) -> None:
    put(site, toml=TOML)
    found = site.get("/api/v1/teams/north/on-call").json()
    assert (found["filled"], found["next"]) == (True, None)
    assert [one["id"] for one in found["on_call"]] == ["chen"]
