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
        "stand_in": [],
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
    assert site.get("/api/v1/teams").json() == {"items": [{**answer.json(), "member": True, "calls": [1], "off": None}]}
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


def test_the_end_of_the_own_duty_is_told_to_whoever_is_on_call(site: Site) -> None:
    swap = {"date": "2026-01-01", "person": "Li Na", "replaces": "chen"}
    site.call("PUT", "/api/v1/teams", "clinician", json={"team": document(override=[swap]), "reason": "rota"})

    def off(name: str) -> tuple[str, list[str]] | None:
        (team,) = site.get("/api/v1/teams", name=name).json()["items"]
        return team["off"] and (team["off"]["at"], [one["id"] for one in team["off"]["on_call"]])

    assert (off("chen"), off("Li Na")) == (("2026-01-01T06:00:00.000Z", ["Li Na"]), None)
    site.clock.advance(12 * 3600)
    # At 19:00 the night begins, which is hers too today: her duty goes on.
    assert (off("chen"), off("Li Na")) == (None, ("2026-01-02T18:15:00.000Z", ["chen"]))


def test_the_fallback_on_call_is_told_as_such(site: Site) -> None:
    put(site, toml=TOML)
    found = site.get("/api/v1/teams/north/on-call").json()
    assert (found["filled"], found["next"]) == (True, None)
    assert [one["id"] for one in found["on_call"]] == ["chen"]


def week(site: Site, query: str = "") -> dict[str, list[list[str]]]:
    lines = site.get(f"/api/v1/teams/north/rota{query}").json()["week"]
    return {one["person"] + (" fills" if one["filled"] else ""): one["hours"] for one in lines}


def test_a_week_of_the_rota_is_told_by_the_teams_clock(site: Site) -> None:
    put(site, team=document(override=[{"date": "2026-01-03", "person": "chen", "replaces": ""}]))
    found = site.get("/api/v1/teams/north/rota").json()
    assert found.items() >= site.get("/api/v1/teams/north/on-call").json().items()
    assert found["today"] == "2026-01-01"
    assert found["days"] == [f"2025-12-{n}" for n in (29, 30, 31)] + [f"2026-01-0{n}" for n in (1, 2, 3, 4)]
    by_day, by_night, whole = ["07:00–19:15"], ["00:00–07:00", "19:00–00:00"], ["00:00–00:00"]
    assert week(site) == {"Li Na": [*[by_day] * 5, [], by_day], "chen": [*[by_night] * 5, whole, by_night]}
    assert week(site, "?from=2026-01-03")["chen"][0] == whole
    for day in ("1999-01-01", "2026-13-01", "9999-12-31", "today"):
        assert site.get(f"/api/v1/teams/north/rota?from={day}").status_code == 422, day
    assert site.get("/api/v1/teams/south/rota").status_code == 404


def test_levels_are_told_with_names_and_how_long_each_waits(site: Site) -> None:
    level = {"who": ["on_call", "member:chen"], "channels": [], "after": {}}
    put(site, team=document(level=[level, document()["level"][1]]))
    assert site.get("/api/v1/teams/north/rota").json()["levels"] == [
        {"who": ["on_call", "Chen Wei"], "channels": [], "after_s": {"high": 120, "medium": 600, "low": 14400}},
        {"who": ["everyone"], "channels": ["app"], "after_s": {"high": 180, "medium": 600, "low": 14400}},
    ]
    calls = {name: site.call("GET", "/api/v1/teams", "nurse", name).json()["items"][0] for name in ("chen", "wang")}
    assert [(one["member"], one["calls"]) for one in calls.values()] == [(True, [0, 1]), (False, [])]


def test_a_day_with_a_clock_change_has_its_hours_and_holes_are_the_fallbacks(site: Site) -> None:
    shift = {"days": ["sat", "sun"], "from": "20:00", "to": "02:30", "person": "Li Na"}
    put(site, team=document(fallback="chen", shift=[shift]))
    sunday = {who: days[0] for who, days in week(site, "?from=2026-03-29").items()}
    # 02:30 is left out: the shift ends when the clock changes
    assert sunday == {"Li Na": ["00:00–03:00", "20:00–00:00"], "chen fills": ["03:00–20:00"]}


def test_the_document_is_told_as_toml_that_reads_as_the_same_team(site: Site) -> None:
    odd = 'Wei "the 2nd" \\ 陈'
    member = [LI, {**CHEN, "name": odd}]
    answer = put(
        site, team=document(member=member, override=[{"date": "2026-01-03", "person": "chen", "replaces": ""}])
    )
    told = answer.json()
    assert told["team"]["member"][1]["name"] == odd
    assert put(site, toml=told["toml"]).json() == told


def test_what_somebody_else_has_changed_is_not_written_over(site: Site) -> None:
    def change(after: str, **fields: Any) -> Any:
        body = {"team": document(**fields), "reason": "a change"}
        return site.call("PUT", f"/api/v1/teams?after={after}", "clinician", json=body)

    assert change("0123456789ab").status_code == 409
    first = change("").json()["version"]
    assert change("").status_code == 409
    second = change(first, fallback="chen").json()["version"]
    assert change(first).status_code == 409
    assert [one["version"] for one in site.get("/api/v1/teams/north").json()["history"]] == [second, first]


def stand_in(site: Site, role: str = "clinician", **fields: Any) -> Any:
    body = {
        "person": "chen",
        "replaces": "",
        "start": "2026-01-01T12:00",
        "end": "2026-01-01T16:00",
        "reason": "Li Na is ill",
    }
    return site.call("POST", "/api/v1/teams/north/stand-in", role, json={**body, **fields})


def stand_ins(answer: Any) -> list[tuple[str, str, str, str]]:
    assert answer.status_code == 200, answer.text
    return [(one["start"], one["end"], one["person"], one["replaces"]) for one in answer.json()["team"]["stand_in"]]


def test_somebody_stands_in_for_some_hours_and_the_last_word_counts(site: Site) -> None:
    put(site, team=document())
    noon, four, six = (f"2026-01-01T{hour}:00" for hour in (12, 16, 18))
    assert stand_ins(stand_in(site, replaces="Li Na")) == [(noon, four, "chen", "Li Na")]
    assert week(site)["chen"][3] == ["00:00–07:00", "12:00–16:00", "19:00–00:00"]
    assert week(site)["Li Na"][3] == ["07:00–12:00", "16:00–19:15"]
    three = "2026-01-01T15:00"
    cut = stand_in(site, person="Li Na", start=three, end="2026-01-01T20:00")
    assert stand_ins(cut) == [(noon, three, "chen", "Li Na"), (three, "2026-01-01T20:00", "Li Na", "")]
    back = stand_ins(stand_in(site, person="", start="2026-01-01T13:00", end=six))
    assert back == [(noon, "2026-01-01T13:00", "chen", "Li Na"), (six, "2026-01-01T20:00", "Li Na", "")]
    assert site.get("/api/v1/teams/north").json()["history"][0]["reason"] == "Li Na is ill"
    told = site.get("/api/v1/teams/north").json()
    assert put(site, toml=told["toml"]).json()["team"] == told["team"]


def test_a_stand_in_that_cannot_be_is_refused(site: Site) -> None:
    put(site, team=document(shift=[{**document()["shift"][0], "days": ["mon"]}], fallback="chen"))
    for fields in ({}, {"person": ""}, {"start": "2026-01-05T08:00", "end": "2026-01-05T09:00", "replaces": "chen"}):
        answer = stand_in(site, **fields)
        assert answer.status_code == 422, answer.text
        assert "this changes nothing" in answer.text
    monday = {"start": "2026-01-05T08:00", "end": "2026-01-05T09:00"}
    assert reasons(stand_in(site, person="wang", **monday)) == ["stand_in: no member is called wang"]
    for fields in (
        {"end": "2026-01-01T12:00"},
        {"end": "2026-06-01T12:00"},
        {"start": "soon"},
        {"start": "2026-01-01T12:00:30"},
        {"start": "2026-01-01T12:00Z"},
        {"reason": ""},
    ):
        assert stand_in(site, **fields).status_code == 422, fields
    assert stand_in(site, "nurse", **monday).status_code == 403
    assert stand_ins(stand_in(site, **monday)) == [(*monday.values(), "chen", "")]
    assert stand_ins(stand_in(site, person="", **monday)) == []
