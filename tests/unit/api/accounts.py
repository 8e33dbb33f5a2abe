"""People of a site for tests: accounts whose passwords cost nothing to check, and browsers that keep a cookie."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from pwdlib.hashers.argon2 import Argon2Hasher

from tests.unit.api.site import START, Site
from vigil.domain.users import Role, User

PASSWORD = "correct horse battery"
ADMIN, NURSE = "zoe.admin", "Li Na"

#: The same algorithm, next to free: what it costs stands in the hash.
_CHEAP = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


def cheap(password: str) -> str:
    return _CHEAP.hash(password)


def person(user_id: str, role: Role = Role.NURSE, wards: frozenset[str] | None = None) -> User:
    return User(user_id, f"{user_id} of the ward", role, wards, cheap(PASSWORD), START)


def staff(site: Site) -> None:
    """An admin and a nurse of ward north, as another process would add them."""
    for one in (person(ADMIN, Role.ADMIN), person(NURSE, wards=frozenset({"north"}))):
        site.records.accounts.add_user(one)
    site.context.accounts.reload()


class Browser:
    """Keeps the session's cookie between requests, as a browser does; ``csrf`` is sent with every change."""

    def __init__(self, site: Site, base_url: str = "https://vigil") -> None:
        self.site, self.base_url = site, base_url
        self.cookies = httpx.Cookies()
        self.csrf: str | None = None

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, Any] | None = None) -> httpx.Response:
        sent = dict(headers or {})
        if self.csrf is not None and method != "GET":
            sent.setdefault("X-Vigil-CSRF", self.csrf)

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.site.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self.base_url, cookies=self.cookies) as client:
                answer = await client.request(method, path, headers=sent, json=body)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def log_in(self, name: str = NURSE, password: str = PASSWORD) -> httpx.Response:
        answer = self.call("POST", "/api/v1/auth/session", {"name": name, "password": password})
        if answer.is_success:
            self.csrf = answer.json()["csrf"]
        return answer

    def me(self) -> Any:
        answer = self.call("GET", "/api/v1/me")
        assert answer.status_code == 200, answer.text
        return answer.json()


def logged_in(site: Site, name: str = NURSE) -> Browser:
    browser = Browser(site)
    assert browser.log_in(name).status_code == 200
    return browser
