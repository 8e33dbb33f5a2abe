"""Sessions of people: logging in and out, the cookie, locking, and what ends a session."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from statistics import median
from typing import Any

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from api.accounts import LOOK_S
from api.deps import SessionTimes
from api.passwords import NOBODYS, hashed
from api.throttle import PER_NAME, WINDOW_S
from tests.unit.api.accounts import ADMIN, NURSE, PASSWORD, Browser, cheap, logged_in, person, staff
from tests.unit.api.site import SECRET, Site, open_site
from vigil.domain.times import HOUR, MINUTE, SECOND, to_iso
from vigil.domain.users import MOST_SESSIONS, Role

SESSION = "/api/v1/auth/session"
KEY = {"secret": SECRET, "role": "admin", "name": "whoever"}
NEW = "another long password"


@pytest.fixture
def site(site: Site) -> Site:
    """With accounts."""
    staff(site)
    return site


def cookie_of(answer: Any) -> Any:
    found = SimpleCookie(answer.headers["set-cookie"])
    return found["vigil_session"]


def test_name_and_password_open_a_session_that_is_whoever_logged_in(site: Site) -> None:
    browser = Browser(site)
    answer = browser.log_in(" li  NA")
    assert answer.status_code == 200
    csrf = answer.json()["csrf"]
    expected = {
        "name": NURSE,
        "display": "Li Na of the ward",
        "role": "nurse",
        "wards": ["north"],
        "rights": ["act", "bind", "devices", "health", "names", "read"],
        "expires_at": to_iso(site.clock.now_us() + 12 * HOUR),
        "locked": False,
        "csrf": csrf,
        "idle_s": 900,
    }
    assert answer.json() == expected
    assert browser.me() == expected


def test_the_cookie_is_read_by_no_script_and_sent_to_nobody_else(site: Site) -> None:
    cookie = cookie_of(Browser(site).log_in())
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "strict", "/")
    assert cookie["domain"] == ""
    assert cookie["max-age"] == str(12 * 3600)
    assert len(cookie.value) == 43
    assert not cookie_of(Browser(site, "http://vigil").log_in())["secure"]


def test_only_the_hash_of_the_cookie_is_stored_and_no_password(site: Site) -> None:
    browser = logged_in(site)
    secret = browser.cookies["vigil_session"]
    found = site.records.accounts.all()
    assert secret not in repr(sorted(found.sessions))
    assert PASSWORD not in repr([one.password_hash for one in found.users.values()])


def test_the_access_key_opens_nothing_from_the_first_account_on(site: Site) -> None:
    assert site.get("/api/v1/auth", None).json() == {"accounts": True}
    answer = site.post("/api/v1/auth/token", KEY, None)
    assert answer.status_code == 401
    assert "name and password" in answer.json()["detail"]


def test_tokens_of_the_access_key_end_with_the_first_account_and_the_installations_own_stay(tmp_path: Any) -> None:
    bare = open_site(tmp_path)
    assert bare.get("/api/v1/auth", None).json() == {"accounts": False}
    key = {"Authorization": f"Bearer {bare.post('/api/v1/auth/token', KEY, None).json()['access_token']}"}
    assert bare.get("/api/v1/me", None, headers=key).status_code == 200
    body = {"user_id": ADMIN, "display": "Zoe", "role": "admin", "wards": None, "password": NEW}
    assert bare.post("/api/v1/users", body, None, headers=key).status_code == 201
    assert bare.get("/api/v1/me", None, headers=key).status_code == 401
    assert bare.get("/api/v1/me").status_code == 200
    bare.close()


@pytest.mark.parametrize(("name", "password"), [("nobody", PASSWORD), (NURSE, "wrong"), ("gone", PASSWORD)])
def test_every_refusal_reads_the_same(site: Site, name: str, password: str) -> None:
    site.records.accounts.add_user(person("gone"))
    site.records.accounts.disable_user("gone", 1)
    site.context.accounts.reload()
    answer = Browser(site).log_in(name, password)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "the name or the password is wrong"
    assert "set-cookie" not in answer.headers


def test_it_takes_as_long_to_refuse_a_name_that_is_nobodys(site: Site) -> None:
    """The hash that stands for nobody costs what a new one does; the measured times only have to be of one size."""
    hasher = Argon2Hasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
    assert not hasher.check_needs_rehash(NOBODYS)
    real = hashed(PASSWORD)
    assert not hasher.check_needs_rehash(real)
    site.records.accounts.set_password(NURSE, real)
    site.context.accounts.reload()
    took: dict[str, list[float]] = {"nobody": [], NURSE: []}
    for _ in range(3):
        for name, times in took.items():
            start = time.process_time()
            assert Browser(site).log_in(name, "wrong password").status_code == 401
            times.append(time.process_time() - start)
            site.clock.advance(WINDOW_S)
    assert 0.5 < median(took["nobody"]) / median(took[NURSE]) < 2


def test_five_failures_for_a_name_close_it_to_all_for_a_while_whether_there_is_one_or_not(site: Site) -> None:
    for name in (NURSE, "nobody"):
        for _ in range(PER_NAME):
            assert Browser(site).log_in(name, "wrong").status_code == 401
        answer = Browser(site).log_in(name.upper())
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == str(int(WINDOW_S))
        assert "name" not in answer.json()["detail"]
        site.clock.advance(WINDOW_S)
    assert Browser(site).log_in().status_code == 200


def test_five_failures_from_an_address_close_it_whatever_the_names(site: Site) -> None:
    for number in range(PER_NAME):
        assert Browser(site).log_in(f"guess-{number}", "wrong").status_code == 401
    assert Browser(site).log_in().status_code == 429


def test_whoever_logs_in_is_not_counted(site: Site) -> None:
    for _ in range(2 * PER_NAME):
        assert Browser(site).log_in().status_code == 200


def test_tries_are_counted_by_what_came_of_them(site: Site) -> None:
    outcomes: list[str] = []
    counted = site.given(count_log_in=outcomes.append)
    browser = logged_in(counted)
    for _ in range(PER_NAME):
        browser.call("POST", "/api/v1/auth/unlock", {"password": "wrong"})
        Browser(counted).log_in(password="wrong")
    browser.call("POST", "/api/v1/auth/lock")
    site.clock.advance(WINDOW_S)
    browser.call("POST", "/api/v1/auth/unlock", {"password": PASSWORD})
    for _ in range(PER_NAME + 1):
        Browser(counted).log_in(password="wrong")
    assert {one: outcomes.count(one) for one in outcomes} == {
        "opened": 1,
        "not_unlocked": PER_NAME,
        "refused": 2 * PER_NAME,
        "unlocked": 1,
        "too_often": 1,
    }


def test_a_change_by_cookie_needs_the_sessions_own_csrf(site: Site) -> None:
    browser, other = logged_in(site), logged_in(site)
    own = browser.csrf
    assert browser.call("POST", "/api/v1/auth/active").status_code == 204
    assert browser.call("GET", "/api/v1/me", headers={"X-Vigil-CSRF": "wrong"}).status_code == 200
    for wrong in (None, "", "wrong", other.csrf, f"{own}x", "Ω" * 64):
        browser.csrf = None
        headers = {} if wrong is None else {"X-Vigil-CSRF": wrong.encode()}
        for method, path in (("POST", "/api/v1/auth/active"), ("DELETE", SESSION), ("POST", "/prom/api/v1/query")):
            assert browser.call(method, path, headers=headers).status_code == 403, (wrong, path)
    assert logged_in(site).me()["csrf"] not in (own, other.csrf)


def test_a_bearer_needs_no_csrf_and_wins_over_the_cookie(site: Site) -> None:
    browser = logged_in(site)
    bearer = {"Authorization": f"Bearer {site.token('auditor', 'Ada')}"}
    answer = browser.call("GET", "/api/v1/me", headers=bearer)
    assert (answer.json()["name"], answer.json()["csrf"]) == ("Ada", None)
    browser.csrf = None
    assert (
        browser.call("POST", "/api/v1/alerts/a-1/seen", {}, headers=bearer).status_code == 403
    )  # by right, not by csrf
    assert browser.call("GET", "/api/v1/me", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert browser.call("POST", "/api/v1/auth/active", headers=bearer).status_code == 422


def test_a_cookie_that_somebody_brought_is_never_made_a_session(site: Site) -> None:
    victim = Browser(site)
    victim.cookies.set("vigil_session", "x" * 43, domain="vigil")
    assert victim.call("GET", "/api/v1/me").status_code == 401
    secret = cookie_of(victim.log_in()).value
    assert secret != "x" * 43
    assert victim.me()["name"] == NURSE
    attacker = Browser(site)
    attacker.cookies.set("vigil_session", "x" * 43, domain="vigil")
    assert attacker.call("GET", "/api/v1/me").status_code == 401


def test_logging_in_ends_the_session_that_the_browser_had(site: Site) -> None:
    browser = logged_in(site)
    old = browser.cookies["vigil_session"]
    assert browser.log_in(ADMIN).status_code == 200
    assert browser.me()["name"] == ADMIN
    again = Browser(site)
    again.cookies.set("vigil_session", old, domain="vigil")
    assert again.call("GET", "/api/v1/me").status_code == 401


def test_two_tabs_are_one_session_and_the_older_learns_that_it_is_another_persons_now(site: Site) -> None:
    first = logged_in(site)
    second = Browser(site)
    second.cookies = first.cookies
    assert second.me()["csrf"] == first.csrf
    second.csrf = first.csrf
    second.log_in(ADMIN)
    first.cookies = second.cookies
    refused = first.call("POST", "/api/v1/auth/active")
    assert refused.status_code == 403
    assert "/api/v1/me" in refused.json()["detail"]


@pytest.mark.parametrize(
    "value",
    ["", "x", "x" * 42, "x" * 44, "x" * 100_000, "Ω" * 43, "é" * 43, '"' + "x" * 43, "x" * 42 + "\x7f", "../" * 15],
)
def test_a_cookie_that_is_none(site: Site, value: str) -> None:
    headers = [("cookie", f"vigil_session={value}".encode())]
    assert site.call("GET", "/api/v1/me", None, headers=dict(headers)).status_code == 401


def test_logging_out_ends_it_and_takes_the_cookie_back(site: Site) -> None:
    browser, other = logged_in(site), logged_in(site)
    kept = browser.cookies["vigil_session"]
    answer = browser.call("DELETE", SESSION)
    assert answer.status_code == 204
    assert cookie_of(answer)["max-age"] == "0"
    browser.cookies.set("vigil_session", kept, domain="vigil")
    assert browser.call("GET", "/api/v1/me").status_code == 401
    assert browser.call("DELETE", SESSION).status_code == 401
    assert other.me()["name"] == NURSE


def test_a_session_ends_after_a_shift_however_busy(site: Site) -> None:
    browser = logged_in(site)
    for _ in range(12 * 60 // 10 - 1):
        site.clock.advance(600)
        assert browser.call("POST", "/api/v1/auth/active").status_code == 204
    site.clock.advance(599)
    assert not browser.me()["locked"]
    site.clock.advance(1)
    assert browser.call("GET", "/api/v1/me").status_code == 401


def test_an_idle_session_locks_and_keeps_only_the_alarms_without_names(site: Site) -> None:
    site.admit("p-1", "w-1")
    alert = site.raise_alert("p-1")
    browser = logged_in(site)
    assert "Marker-Family" in browser.call("GET", "/api/v1/alerts").text
    site.clock.advance(899)
    assert browser.call("GET", "/api/v1/alerts").status_code == 200  # reading is no touch
    site.clock.advance(1)
    me = browser.me()
    assert (me["locked"], me["rights"]) == (True, ["health", "read"])
    seen = browser.call("GET", "/api/v1/alerts")
    assert alert.alert_id in seen.text
    assert "Marker" not in seen.text
    refused = browser.call("POST", f"/api/v1/alerts/{alert.alert_id}/acknowledge", {"version": 1})
    assert refused.status_code == 403
    assert refused.json()["locked"] is True
    for method, path, body in (
        ("POST", "/api/v1/auth/active", None),
        ("POST", "/api/v1/auth/password", {"old": PASSWORD, "new": NEW}),
    ):
        assert browser.call(method, path, body).json()["locked"] is True


def test_no_touch_opens_a_locked_session_only_the_password(site: Site) -> None:
    browser = logged_in(site)
    site.clock.advance(900)
    assert browser.me()["locked"]
    site.clock.jump_to(site.clock.now_us() - 800 * SECOND)  # a clock that was put right does not either
    assert browser.me()["locked"]
    assert browser.call("POST", "/api/v1/auth/unlock", {"password": "wrong"}).status_code == 401
    assert browser.me()["locked"]
    answer = browser.call("POST", "/api/v1/auth/unlock", {"password": PASSWORD})
    assert answer.status_code == 200
    assert (answer.json()["locked"], answer.json()["csrf"]) == (False, browser.csrf)
    assert "names" in browser.me()["rights"]


def test_locking_at_once_holds_after_a_restart(site: Site) -> None:
    browser = logged_in(site)
    assert browser.call("POST", "/api/v1/auth/lock").status_code == 204
    assert browser.me()["locked"]
    browser.site = site.given()
    assert browser.me()["locked"]


def test_guessing_in_a_locked_session_is_slowed_down_and_keeps_nobody_else_out(site: Site) -> None:
    browser = logged_in(site)
    for _ in range(PER_NAME):
        assert browser.call("POST", "/api/v1/auth/unlock", {"password": "wrong"}).status_code == 401
    assert browser.call("POST", "/api/v1/auth/unlock", {"password": PASSWORD}).status_code == 429
    assert Browser(site).log_in().status_code == 200


def test_the_person_of_a_session_can_unlock_it_while_somebody_else_guesses_the_name(site: Site) -> None:
    browser = logged_in(site)
    for _ in range(PER_NAME):
        Browser(site).log_in(password="wrong")
    assert Browser(site).log_in().status_code == 429
    assert browser.call("POST", "/api/v1/auth/unlock", {"password": PASSWORD}).status_code == 200


def test_a_restart_ends_no_session_and_knows_the_touch_to_a_minute(site: Site) -> None:
    browser = logged_in(site)
    for _ in range(20):
        site.clock.advance(50)
        assert browser.call("POST", "/api/v1/auth/active").status_code == 204
    browser.site = site.given()
    assert browser.me()["locked"] is False
    site.clock.advance(900 - 60)
    assert browser.me()["locked"] is False


def test_a_change_is_a_touch_and_that_an_alert_is_on_the_screen_is_none(site: Site) -> None:
    site.admit("p-1")
    alert = site.raise_alert("p-1")
    browser = logged_in(site)
    site.clock.advance(800)
    answer = browser.call("POST", f"/api/v1/alerts/{alert.alert_id}/acknowledge", {"version": 1})
    assert answer.status_code == 200
    site.clock.advance(800)
    assert not browser.me()["locked"]
    assert browser.call("POST", f"/api/v1/alerts/{alert.alert_id}/seen", {}).status_code == 200
    site.clock.advance(100)
    assert browser.me()["locked"]


def test_rotating_the_token_key_ends_signed_tokens_and_no_session(site: Site) -> None:
    browser, signed = logged_in(site), site.token("nurse")
    rotated = site.given(token_key=b"another key of 32 bytes in length")
    browser.site = rotated
    assert browser.me()["name"] == NURSE
    assert rotated.get("/api/v1/me", None, headers={"Authorization": f"Bearer {signed}"}).status_code == 401


def test_an_account_that_another_process_disables_is_out_within_a_second(site: Site) -> None:
    browser = logged_in(site)
    site.records.accounts.disable_user(NURSE, site.clock.now_us())  # as ``vigil users`` does
    site.clock.advance(LOOK_S)
    assert LOOK_S < 1
    assert browser.call("GET", "/api/v1/me").status_code == 401
    assert Browser(site).log_in().status_code == 401
    site.records.accounts.enable_user(NURSE)
    site.clock.advance(LOOK_S)
    assert browser.call("GET", "/api/v1/me").status_code == 401
    assert Browser(site).log_in().status_code == 200


def test_whoever_another_process_made_logs_in_at_once(site: Site) -> None:
    assert Browser(site).log_in("Chen Yu").status_code == 401  # looked this moment
    site.records.accounts.add_user(person("Chen Yu"))
    assert Browser(site).log_in("Chen Yu").status_code == 200


def test_the_own_password_is_changed_with_the_old_one_and_other_sessions_end(site: Site) -> None:
    browser, other = logged_in(site), logged_in(site)
    path = "/api/v1/auth/password"
    assert browser.call("POST", path, {"old": "wrong", "new": NEW}).status_code == 401
    for bad in ("short", "x" * 129, NURSE, "aaaaaaaaaaaaa"):
        assert browser.call("POST", path, {"old": PASSWORD, "new": bad}).status_code == 422
    assert browser.call("POST", path, {"old": PASSWORD, "new": NEW}).status_code == 204
    assert browser.me()["name"] == NURSE
    assert other.call("GET", "/api/v1/me").status_code == 401
    assert Browser(site).log_in().status_code == 401
    assert Browser(site).log_in(password=NEW).status_code == 200


def test_the_same_letters_typed_on_another_system_are_the_same_password(site: Site) -> None:
    site.records.accounts.set_password(NURSE, cheap("Zoë of the north"))
    site.context.accounts.reload()
    assert Browser(site).log_in(password="Zoe\u0308 of the north").status_code == 200


def test_one_person_has_so_many_sessions(site: Site) -> None:
    first = logged_in(site)
    for _ in range(MOST_SESSIONS):
        site.clock.advance(1)
        logged_in(site)
    assert first.call("GET", "/api/v1/me").status_code == 401


def test_times_are_settings(site: Site) -> None:
    browser = Browser(site.given(sessions=SessionTimes(2 * MINUTE, HOUR)))
    me = browser.log_in().json()
    assert (me["idle_s"], me["expires_at"]) == (120, to_iso(site.clock.now_us() + HOUR))
    site.clock.advance(120)
    assert browser.me()["locked"]


def test_the_role_and_wards_of_a_session_are_the_accounts(site: Site) -> None:
    site.records.accounts.add_user(person("ada", Role.AUDITOR, frozenset()))
    site.context.accounts.reload()
    me = logged_in(site, "ada").me()
    assert (me["role"], me["wards"]) == ("auditor", [])
    assert datetime.fromisoformat(me["expires_at"]) > datetime.fromtimestamp(site.clock.now_us() / 1e6, UTC)
