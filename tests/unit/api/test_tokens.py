"""Tokens that are none, and tokens of machines: made once, limited, revoked."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts import LOOK_S
from api.auth import RIGHTS, Right, Role, Tokens
from tests.unit.api.accounts import ADMIN, Browser, logged_in, staff
from tests.unit.api.site import KEY, START, Site
from vigil.domain.times import DAY, to_iso
from vigil.runtime.clock import ManualClock

TOKENS = "/api/v1/tokens"
GRAFANA: dict[str, Any] = {"name": "grafana", "role": "research", "rights": ["read"], "wards": None, "days": 90}


@pytest.fixture
def admin(site: Site) -> Browser:
    staff(site)
    return logged_in(site, ADMIN)


def made(admin: Browser, **change: Any) -> dict[str, Any]:
    answer = admin.call("POST", TOKENS, {**GRAFANA, **change})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def by(site: Site, token: str, path: str = "/api/v1/me", method: str = "GET") -> Any:
    return site.call(method, path, None, headers={"Authorization": f"Bearer {token}".encode()})


def part(found: object) -> str:
    text = found if isinstance(found, str) else json.dumps(found)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


CLAIMS = {"sub": "x", "role": "admin", "aud": "vigil", "iat": START // 1_000_000, "exp": START // 1_000_000 + 60}


@pytest.mark.parametrize(
    "token",
    [
        f"{part({'alg': 'none'})}.{part(CLAIMS)}.",
        f"{part({'alg': 'None', 'typ': 'JWT'})}.{part(CLAIMS)}.x",
        f"{part({'alg': 'HS256'})}.{part(CLAIMS)}.",
        f"{part({'alg': ['HS256']})}.{part(CLAIMS)}.x",
        f"{part([])}.{part(CLAIMS)}.x",
        f"{part('[' * 2900)}.x.x",
        f"{part({'alg': 'HS256', 'crit': ['x']})}.{part(CLAIMS)}.x",
        f"{part({'alg': 'HS256', 'b64': False})}.{part(CLAIMS)}.x",
        "a" * 60_000,
        "ä.ö.ü",
        "🔑",
        "vgl_",
        "vgl_" + "x" * 42,
        "vgl_" + "x" * 43,
        "vgl_" + "x" * 60_000,
        "vgl_" + "é" * 43,
        "",
        " ",
    ],
    ids=range(18),
)
def test_tokens_that_are_none(site: Site, token: str) -> None:
    answer = by(site, token)
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("log in")


def test_no_beginning_of_a_token_is_one(site: Site) -> None:
    token = site.token("admin")
    assert by(site, token).status_code == 200
    tokens = Tokens(KEY, site.clock)
    assert [size for size in range(len(token)) if tokens.read(token[:size]) is not None] == []


@given(st.text(), st.text(), st.text())
def test_whatever_is_sent_is_read_or_refused(first: str, second: str, third: str) -> None:
    tokens = Tokens(KEY, ManualClock(START))
    assert tokens.read(f"{first}.{second}.{third}") is None
    assert tokens.read(f"{part(first)}.{part(second)}.{third}") is None


def test_a_machines_token_is_shown_once_and_stored_as_its_hash(site: Site, admin: Browser) -> None:
    token = made(admin)
    assert token["token"].startswith("vgl_")
    assert token["expires_at"] == to_iso(START + 90 * DAY)
    listed = admin.call("GET", TOKENS)
    assert [one["token_id"] for one in listed.json()["items"]] == [token["token_id"]]
    assert token["token"] not in listed.text
    assert token["token"] not in repr(site.records.accounts.all().tokens)
    me = by(site, token["token"]).json()
    assert (me["name"], me["role"], me["rights"], me["csrf"], me["locked"]) == (
        "token/grafana",
        "research",
        ["read"],
        None,
        False,
    )


def test_its_last_day_of_use_is_shown(site: Site, admin: Browser) -> None:
    token = made(admin)

    def last_used() -> Any:
        return admin.call("GET", TOKENS).json()["items"][0]["last_used"]

    assert last_used() is None
    for days in (0, 0, 2):
        site.clock.advance(days * 86_400)
        assert by(site, token["token"]).status_code == 200
        admin = logged_in(site, ADMIN)
        assert last_used() == to_iso(site.clock.now_us() // DAY * DAY)


def test_it_may_do_a_part_of_its_role_only(site: Site, admin: Browser) -> None:
    few = made(admin, role="nurse", rights=["read"])["token"]
    many = made(admin, role="nurse", rights=None, wards=["north"])["token"]
    site.admit("p-1")
    assert by(site, few, "/api/v1/patients").status_code == 200
    assert "Marker" not in by(site, few, "/api/v1/patients").text
    assert by(site, few, "/api/v1/devices").status_code == 403
    assert by(site, many, "/api/v1/devices").status_code == 200
    assert by(site, many).json()["wards"] == ["north"]


@pytest.mark.parametrize(
    "change",
    [
        {"rights": ["names"]},
        {"rights": ["fly"]},
        {"role": "root"},
        {"days": 0},
        {"days": 367},
        {"days": 1.5},
        {"name": " "},
        {"name": "a\nb"},
        {"name": "x" * 65},
        {"wards": [""]},
        {"secret": "x"},
    ],
)
def test_tokens_that_cannot_be_made(admin: Browser, change: dict[str, Any]) -> None:
    assert admin.call("POST", TOKENS, {**GRAFANA, **change}).status_code == 422


def test_a_token_ends_by_its_day_and_by_a_hand(site: Site, admin: Browser) -> None:
    token, other = made(admin, days=1), made(admin)
    path = f"{TOKENS}/{other['token_id']}/revoke"
    answer = admin.call("POST", path)
    assert answer.json()["revoked_at"] == to_iso(site.clock.now_us())
    assert admin.call("POST", path).json() == answer.json()
    assert by(site, other["token"]).status_code == 401
    assert by(site, token["token"]).status_code == 200
    site.clock.advance(86_400)
    assert by(site, token["token"]).status_code == 401
    assert logged_in(site, ADMIN).call("POST", f"{TOKENS}/t-unknown/revoke").status_code == 404


def test_a_token_that_another_process_revokes_is_out_within_a_second(site: Site, admin: Browser) -> None:
    token = made(admin)
    site.records.accounts.revoke_token(token["token_id"], 1)
    site.clock.advance(LOOK_S)
    assert by(site, token["token"]).status_code == 401


def test_nobody_makes_a_token_that_may_do_more_than_himself(site: Site, admin: Browser) -> None:
    keeper = made(admin, role="admin", rights=["accounts"], wards=["north"])["token"]
    headers = {"Authorization": f"Bearer {keeper}"}

    def ask(method: str, path: str, body: Any = None) -> int:
        return site.call(method, path, None, headers=headers, json=body).status_code

    assert ask("POST", TOKENS, GRAFANA) == 403
    assert ask("POST", TOKENS, {**GRAFANA, "role": "admin", "rights": ["accounts"]}) == 403
    assert ask("POST", TOKENS, {**GRAFANA, "role": "admin", "rights": ["accounts"], "wards": ["north"]}) == 201
    assert ask("POST", f"{TOKENS}/{made(admin)['token_id']}/revoke") == 403
    user = {"user_id": "eve", "display": "Eve", "role": "admin", "wards": None, "password": "long enough for it"}
    assert ask("POST", "/api/v1/users", user) == 403
    assert ask("POST", f"/api/v1/users/{ADMIN}/password", {"password": "long enough for it"}) == 403
    assert ask("POST", f"/api/v1/users/{ADMIN}/disable") == 403
    assert ask("PUT", f"/api/v1/users/{ADMIN}", {"display": "x", "role": "nurse", "wards": []}) == 403


def test_an_admin_of_one_ward_keeps_its_accounts_and_no_others(site: Site, admin: Browser) -> None:
    """What an account of the ward cannot do there is not counted as given."""
    new = {"display": "x", "password": "long enough for it"}
    path = "/api/v1/users"
    of_north = {**new, "user_id": "north", "role": "admin", "wards": ["north"]}
    assert admin.call("POST", path, of_north).status_code == 201
    keeper = Browser(site)
    assert keeper.log_in("north", new["password"]).status_code == 200
    assert keeper.call("POST", path, {**of_north, "user_id": "second"}).status_code == 201
    for wards in (None, ["south"], ["north", "south"]):
        body = {**new, "user_id": "third", "role": "nurse", "wards": wards}
        assert keeper.call("POST", path, body).status_code == 403
    assert keeper.call("POST", f"{path}/second/disable").status_code == 200
    assert keeper.call("POST", f"{path}/{ADMIN}/disable").status_code == 403


def test_only_an_admin_keeps_accounts() -> None:
    assert {role for role in Role if Right.ACCOUNTS in RIGHTS[role]} == {Role.ADMIN}
