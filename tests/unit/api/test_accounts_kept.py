"""Accounts as an admin keeps them, what is written down of it, and that a password stands nowhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from api.schema.session import NameAndPassword
from tests.unit.api.accounts import ADMIN, NURSE, PASSWORD, Browser, logged_in, staff
from tests.unit.api.site import Site
from vigil.domain.audit import UNKNOWN, Question

USERS = "/api/v1/users"
WANG: dict[str, Any] = {
    "user_id": "Dr Wang",
    "display": "Dr. Wang",
    "role": "clinician",
    "wards": ["south", "north"],
    "password": "marker of a password",
}


@pytest.fixture
def admin(site: Site) -> Browser:
    staff(site)
    return logged_in(site, ADMIN)


def names(admin: Browser) -> list[str]:
    return [one["user_id"] for one in admin.call("GET", USERS).json()["items"]]


def test_an_account_is_made_shown_and_logged_in_to(site: Site, admin: Browser) -> None:
    answer = admin.call("POST", USERS, WANG)
    assert answer.status_code == 201
    assert answer.json()["wards"] == ["north", "south"]
    assert admin.call("GET", f"{USERS}/Dr%20Wang").json() == answer.json()
    assert names(admin) == ["Dr Wang", "Li Na", ADMIN]
    browser = Browser(site)
    assert browser.log_in("dr wang", WANG["password"]).json()["wards"] == ["north", "south"]


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "LI NA"},
        {"user_id": "a/b"},
        {"user_id": " "},
        {"user_id": "a\u202eb"},
        {"display": "a\nb"},
        {"display": " "},
        {"role": "root"},
        {"wards": ["x"] * 101},
        {"wards": "north"},
        {"password": "short"},
        {"password": "x" * 129},
        {"password": "DR WANG" + " " * 5},
        {"password_hash": "$argon2id$"},
        {"disabled_at": None},
    ],
)
def test_accounts_that_cannot_be_made(admin: Browser, change: dict[str, Any]) -> None:
    answer = admin.call("POST", USERS, {**WANG, **change})
    assert answer.status_code == 422
    assert WANG["password"] not in answer.text
    assert len(names(admin)) == 2


def test_an_account_needs_its_wards_said(admin: Browser) -> None:
    """Left out would be all of them, by mistake."""
    assert admin.call("POST", USERS, {key: one for key, one in WANG.items() if key != "wards"}).status_code == 422


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"display": "Li N."}, False),
        ({"wards": ["south"]}, True),
        ({"wards": None}, True),
        ({"role": "clinician"}, True),
    ],
)
def test_another_role_or_ward_ends_the_sessions(site: Site, admin: Browser, change: dict[str, Any], ends: bool) -> None:
    nurse = logged_in(site)
    body = {"display": "Li Na of the ward", "role": "nurse", "wards": ["north"], **change}
    assert admin.call("PUT", f"{USERS}/{NURSE}", body).status_code == 200
    assert (nurse.call("GET", "/api/v1/me").status_code == 401) is ends
    assert logged_in(site).me()["wards"] == body["wards"]


def test_a_disabled_person_is_out_at_once_and_comes_back_with_the_same_password(site: Site, admin: Browser) -> None:
    nurse = logged_in(site)
    assert admin.call("POST", f"{USERS}/{NURSE}/disable").json()["disabled_at"]
    assert nurse.call("GET", "/api/v1/me").status_code == 401
    assert Browser(site).log_in().status_code == 401
    assert admin.call("POST", f"{USERS}/{NURSE}/enable").json()["disabled_at"] is None
    assert nurse.call("GET", "/api/v1/me").status_code == 401
    assert Browser(site).log_in().status_code == 200


def test_a_new_password_ends_all_sessions_and_the_old_password(site: Site, admin: Browser) -> None:
    nurse = logged_in(site)
    path = f"{USERS}/{NURSE}/password"
    assert admin.call("POST", path, {"password": "Li Na"}).status_code == 422
    assert admin.call("POST", path, {"password": WANG["password"]}).status_code == 204
    assert nurse.call("GET", "/api/v1/me").status_code == 401
    assert Browser(site).log_in(NURSE, PASSWORD).status_code == 401
    assert Browser(site).log_in(NURSE, WANG["password"]).status_code == 200


def test_the_last_admin_can_neither_be_disabled_nor_made_something_else(site: Site, admin: Browser) -> None:
    for method, path, body in (
        ("POST", f"{USERS}/{ADMIN}/disable", None),
        ("PUT", f"{USERS}/{ADMIN}", {"display": "Z", "role": "nurse", "wards": None}),
    ):
        answer = admin.call(method, path, body)
        assert answer.status_code == 422
        assert "admin" in answer.json()["detail"]
    assert admin.me()["name"] == ADMIN


def test_the_first_account_is_an_admins(site: Site) -> None:
    assert site.post(USERS, WANG, "admin").status_code == 422
    assert site.get("/api/v1/auth", None).json() == {"accounts": False}


def test_an_address_names_one_account(admin: Browser) -> None:
    for method, path in (("GET", ""), ("POST", "/disable"), ("POST", "/enable")):
        assert admin.call(method, f"{USERS}/LI%20NA{path}").status_code == 404
    assert admin.call("POST", f"{USERS}/nobody/password", {"password": WANG["password"]}).status_code == 404
    assert admin.call("PUT", f"{USERS}/nobody", {"display": "x", "role": "nurse", "wards": []}).status_code == 404


def test_a_nurse_keeps_no_accounts_and_a_locked_admin_neither(site: Site, admin: Browser) -> None:
    assert logged_in(site).call("GET", USERS).status_code == 403
    site.clock.advance(900)
    assert admin.call("GET", USERS).json()["locked"] is True


def test_who_logs_in_and_who_keeps_accounts_is_in_the_audit_log(site: Site, admin: Browser) -> None:
    Browser(site).log_in(NURSE, "wrong password")
    Browser(site).log_in("nobody", "wrong password")
    admin.call("POST", USERS, WANG)
    admin.call("POST", f"{USERS}/{NURSE}/disable")
    admin.call("POST", "/api/v1/auth/active")
    admin.call("GET", f"{USERS}/Marker-Family")
    admin.call("DELETE", "/api/v1/auth/session")
    site.app.state.audit.write()
    told = [
        (one.entry.who, one.entry.method, one.entry.route, one.entry.status, dict(one.entry.objects))
        for one in reversed(site.records.audit(Question()))
        if one.entry.status
    ]
    assert told == [
        (ADMIN, "POST", "/api/v1/auth/session", 200, {"user_id": ADMIN}),
        ("", "POST", "/api/v1/auth/session", 401, {"user_id": NURSE}),
        ("", "POST", "/api/v1/auth/session", 401, {}),
        (ADMIN, "POST", USERS, 201, {"user_id": "Dr Wang"}),
        (ADMIN, "POST", f"{USERS}/{{user_id}}/disable", 200, {"user_id": NURSE}),
        (ADMIN, "GET", f"{USERS}/{{user_id}}", 404, {"user_id": UNKNOWN}),
        (ADMIN, "DELETE", "/api/v1/auth/session", 204, {}),
    ]


def test_a_password_stands_in_no_answer_log_file_or_word(
    site: Site, admin: Browser, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark = "Marker-Password-7"
    bad: list[Any] = [mark * 10_000, mark * 100, "", 7, None, [mark], {"x": mark}, mark + "\ud800"]
    texts = []
    with caplog.at_level(logging.DEBUG):
        for password in [mark, *bad]:
            for path, body in (
                ("/api/v1/auth/session", {"name": NURSE, "password": password}),
                ("/api/v1/auth/session", {"name": NURSE, "password": password, "extra": mark}),
                ("/api/v1/auth/session", {"name": "\ud800", "password": password}),
                ("/api/v1/auth/unlock", {"password": password}),
                ("/api/v1/auth/password", {"old": password, "new": password}),
                (USERS, {**WANG, "password": password}),
                (USERS, {**WANG, "user_id": "", "password": password}),
                (f"{USERS}/{NURSE}/password", {"password": password, "more": 1}),
            ):
                raw = json.dumps(body).encode()
                texts.append(_sent(admin, path, raw))
    site.app.state.audit.write()
    assert mark not in "".join(texts)
    assert mark not in caplog.text
    assert mark not in repr(NameAndPassword.model_validate({"name": "x", "password": mark}))
    for file in tmp_path.iterdir():
        if file.name.startswith("records"):
            assert mark.encode() not in file.read_bytes(), file.name


def _sent(admin: Browser, path: str, raw: bytes) -> str:
    answer = admin.site.call(
        "POST",
        path,
        None,
        content=raw,
        headers={
            "Content-Type": "application/json",
            "Cookie": f"vigil_session={admin.cookies['vigil_session']}",
            "X-Vigil-CSRF": admin.csrf or "",
        },
    )
    assert answer.status_code in (201, 204, 401, 413, 422, 429), (path, answer.status_code)
    return answer.text


def test_a_form_of_another_site_is_no_log_in(site: Site, admin: Browser) -> None:
    body = json.dumps({"name": NURSE, "password": PASSWORD})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = site.call("POST", "/api/v1/auth/session", None, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers
