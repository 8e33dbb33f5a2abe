"""An event stream of a session ends when its person is no longer who he was; checks of passwords wait for one another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest
from starlette.types import Message

from api.accounts import LOOK_S
from api.errors import Problem
from api.passwords import AT_ONCE, MOST_WAITING, Passwords
from tests.unit.api.accounts import ADMIN, NURSE, Browser, cheap, logged_in, staff
from tests.unit.api.site import Site

WAIT_S = 20.0


class Stream:
    """The event stream, asked for straight from the application."""

    def __init__(self, site: Site, headers: dict[str, str]) -> None:
        self._site, self._headers = site, headers
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": "/api/v1/stream",
            "raw_path": b"/api/v1/stream",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in self._headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("vigil", 443),
        }
        self._task = asyncio.create_task(self._site.app(scope, self._receive, self._sent.put))
        return int((await self.next())["status"])

    async def _receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def next(self) -> Message:
        return await asyncio.wait_for(self._sent.get(), WAIT_S)

    async def next_event(self) -> str:
        body: bytes = (await self.next())["body"]
        return body.decode().partition("\n")[0].removeprefix("event: ")

    async def rest(self) -> list[Message]:
        """When it has ended of itself, and without an error."""
        assert self._task is not None
        await asyncio.wait_for(self._task, WAIT_S)
        return [self._sent.get_nowait() for _ in range(self._sent.qsize())]


def streamed(site: Site, headers: dict[str, str], change: Callable[[], object]) -> list[Message]:
    """Opens the stream, sees it work, makes the change, and gives what came until it ended."""

    async def script() -> list[Message]:
        hub = site.context.hub
        await hub.start()
        try:
            stream = Stream(site, headers)
            assert await stream.start() == 200
            assert await stream.next_event() == "snapshot"
            await hub.tick()
            assert await stream.next_event() in ("snapshot", "tick", "heartbeat")
            await asyncio.to_thread(change)
            await hub.tick()
            return await stream.rest()
        finally:
            await hub.stop()

    return asyncio.run(script())


def cookie(browser: Browser) -> dict[str, str]:
    return {"Cookie": f"vigil_session={browser.cookies['vigil_session']}"}


@pytest.fixture
def site(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """With accounts; the live view ticks when a test says so."""
    monkeypatch.setattr("api.live.PERIOD_S", 3600)
    staff(site)
    return site


def test_it_ends_before_the_next_word_when_the_session_locks(site: Site) -> None:
    browser = logged_in(site)
    left = streamed(site, cookie(browser), lambda: site.clock.advance(900))
    assert left == [{"type": "http.response.body", "body": b"", "more_body": False}]


@pytest.mark.parametrize("change", ["disable", "password", "log out", "unlock"])
def test_it_ends_whatever_ends_or_changes_the_session(site: Site, change: str) -> None:
    browser = logged_in(site)
    records = site.records.accounts
    if change == "unlock":
        site.clock.advance(900)

    def act() -> None:
        if change == "disable":  # by another process
            records.disable_user(NURSE, 1)
        elif change == "password":
            records.set_password(NURSE, cheap("x"))
        elif change == "log out":
            with site.context.accounts.changing():
                for one in records.all().sessions:
                    records.end_session(one)
        else:
            visit = site.context.accounts.visit(browser.cookies["vigil_session"])
            assert visit is not None
            site.context.accounts.unlock(visit)
        site.clock.advance(LOOK_S)

    assert [len(one.get("body", b"")) for one in streamed(site, cookie(browser), act)] == [0]


def test_it_ends_with_a_machines_token(site: Site) -> None:
    admin = logged_in(site, ADMIN)
    body = {"name": "wall", "role": "research", "rights": ["read"], "wards": None, "days": 1}
    made = admin.call("POST", "/api/v1/tokens", body).json()

    def revoke() -> None:
        site.records.accounts.revoke_token(made["token_id"], 1)
        site.clock.advance(LOOK_S)

    assert [
        len(one.get("body", b"")) for one in streamed(site, {"Authorization": f"Bearer {made['token']}"}, revoke)
    ] == [0]


def test_it_goes_on_while_nothing_changes_for_its_person(site: Site) -> None:
    browser = logged_in(site)

    async def script() -> None:
        hub = site.context.hub
        await hub.start()
        stream = Stream(site, cookie(browser))
        assert await stream.start() == 200
        for _ in range(3):
            await stream.next_event()
            site.clock.advance(200)
            await asyncio.to_thread(site.context.accounts.reload)
            await hub.tick()
        await stream.next_event()
        await hub.stop()

    asyncio.run(script())


def test_while_the_database_does_not_answer_what_was_known_holds(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    browser = logged_in(site)
    site.records.close()
    for _ in range(3):
        site.clock.advance(LOOK_S)
        assert browser.me()["name"] == NURSE
    assert [one.message for one in caplog.records if one.name == "vigil.api.accounts"] == [
        "accounts cannot be read: what was known of them holds"
    ]
    assert Browser(site).log_in().status_code == 503


def test_two_passwords_are_checked_at_once_and_not_more(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, running, most = Passwords(), [], []

    def slow(_password: str) -> str:
        running.append(1)
        most.append(len(running))
        time.sleep(0.005)
        running.pop()
        return "hash"

    monkeypatch.setattr("api.passwords.hashed", slow)

    async def many() -> list[str | BaseException]:
        return await asyncio.gather(
            *(passwords.hashed("x") for _ in range(AT_ONCE + MOST_WAITING + 3)), return_exceptions=True
        )

    found = asyncio.run(many())
    assert max(most) == AT_ONCE
    refused = [one for one in found if isinstance(one, Problem)]
    assert len(refused) == 3
    assert (refused[0].status_code, refused[0].headers) == (503, {"Retry-After": "5"})
    assert asyncio.run(many()).count("hash") == AT_ONCE + MOST_WAITING
    passwords.close()


def test_many_wrong_passwords_at_once_are_no_way_around_the_limit(site: Site) -> None:
    """They are counted before they are checked."""

    async def many() -> list[int]:
        transport = httpx.ASGITransport(site.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://vigil") as client:
            body = {"name": NURSE, "password": "wrong"}
            answers = await asyncio.gather(*(client.post("/api/v1/auth/session", json=body) for _ in range(20)))
        return sorted(one.status_code for one in answers)

    assert asyncio.run(many()) == [401] * 5 + [429] * 15


def test_a_request_by_cookie_costs_about_what_one_by_signed_token_costs(site: Site) -> None:
    """In turns, and the best of each: what else the machine does hits both."""
    asked = [cookie(logged_in(site)), {"Authorization": f"Bearer {site.token('nurse')}"}]
    took: list[list[float]] = [[], []]

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="https://vigil") as client:
            for _ in range(100):
                for headers, times in zip(asked, took, strict=True):
                    start = time.perf_counter()
                    assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
                    times.append(time.perf_counter() - start)

    asyncio.run(ask())
    by_cookie, by_token = map(min, took)
    print(f"by cookie {by_cookie / by_token:.2f} times as long as by token")
    assert by_cookie < 2 * by_token
