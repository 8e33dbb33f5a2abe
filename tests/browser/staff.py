"""A product where people have accounts: who they are, and how the tests ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.browser.station import Site
from tests.product import Product

ADMIN, NURSE, OTHER, AUDITOR = "zhao.min", "li.na", "wang.fang", "sun.li"
#: Log-in name -> (name as others see it, role, wards; None = all).
PEOPLE: dict[str, tuple[str, str, list[str] | None]] = {
    ADMIN: ("Zhao Min", "admin", None),
    NURSE: ("Li Na", "nurse", ["Test"]),
    OTHER: ("Wang Fang", "nurse", ["North"]),
    AUDITOR: ("Sun Li", "auditor", None),
}


def password(user_id: str) -> str:
    return f"a long sentence of {user_id}"


@dataclass
class StaffedSite(Site):
    """What ``Site`` asks, it asks with tokens of programs: the access key opens nothing. ``admin``: the admin's session."""

    admin: httpx.Client = field(default_factory=httpx.Client)

    @classmethod
    def hire(cls, url: str, secret: str) -> StaffedSite:
        """Makes the accounts of ``PEOPLE``; the first one closes the door of the access key."""
        site = cls(url, secret, admin=httpx.Client(base_url=f"{url}/api/v1", timeout=20))
        key = {"Authorization": f"Bearer {Site(url, secret).token('Set-up', 'admin')['access_token']}"}
        site.admin.post("/users", json=_account(ADMIN), headers=key).raise_for_status()
        answer = site.admin.post("/auth/session", json={"name": ADMIN, "password": password(ADMIN)})
        answer.raise_for_status()
        site.admin.headers["X-Vigil-CSRF"] = answer.json()["csrf"]
        for user_id in (NURSE, OTHER, AUDITOR):
            site.admin.post("/users", json=_account(user_id)).raise_for_status()
        return site

    def token(self, name: str, role: str) -> dict[str, str]:
        if (name, role) not in self._tokens:
            body = {"name": name, "role": role, "rights": None, "wards": None, "days": 1}
            answer = self.admin.post("/tokens", json=body)
            answer.raise_for_status()
            self._tokens[name, role] = {"access_token": answer.json()["token"]}
        return self._tokens[name, role]


@contextmanager
def staffed(folder: Path) -> Iterator[StaffedSite]:
    """A product of its own, with people: its first account closes the door of the access key."""
    with Product.started(folder) as product:
        site = StaffedSite.hire(product.url.rstrip("/"), product.secret)
        site.set_policy("Test")
        yield site
        site.admin.close()


def _account(user_id: str) -> dict[str, Any]:
    display, role, wards = PEOPLE[user_id]
    return {"user_id": user_id, "display": display, "role": role, "wards": wards, "password": password(user_id)}


def log_in(page: Page, user_id: str, secret: str = "") -> None:
    """Fills the form that is shown and sends it."""
    page.get_by_label("Log-in name").fill(user_id)
    page.get_by_label("Password").fill(secret or password(user_id))
    page.get_by_role("button", name="Log in").click()


def get_in(page: Page, origin: str, user_id: str) -> None:
    page.goto(f"{origin}/")
    log_in(page, user_id)
    expect(page.locator(".strip .data time")).to_be_visible(timeout=15_000)
