"""Logging in, tokens, and the slow-down of guessing."""

from __future__ import annotations

import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from api.auth import TOKEN_LIFE_US, Principal, Role, Tokens
from api.throttle import MOST_ADDRESSES, OVERALL, PER_ADDRESS, WINDOW_S, FailureLimit
from tests.unit.api.site import KEY, SECRET, START, Site
from vigil.domain.errors import ConfigError
from vigil.domain.times import to_iso
from vigil.runtime.clock import ManualClock

LOGIN = "/api/v1/auth/token"


def test_the_access_key_gives_a_token_that_opens_the_api(site: Site) -> None:
    answer = site.post(LOGIN, {"secret": SECRET, "role": "nurse", "name": " Li Na "}, None)
    assert answer.status_code == 200
    body = answer.json()
    assert body["expires_at"] == to_iso(START + TOKEN_LIFE_US)
    me = site.get("/api/v1/me", None, headers={"Authorization": f"Bearer {body['access_token']}"})
    assert me.json() == {
        "name": "Li Na",
        "display": "Li Na",
        "role": "nurse",
        "wards": None,
        "rights": ["act", "bind", "devices", "health", "names", "read"],
        "expires_at": body["expires_at"],
        "locked": False,
        "csrf": None,
        "idle_s": None,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"secret": SECRET, "role": "root", "name": "x"},
        {"secret": SECRET, "role": "nurse", "name": "  "},
        {"secret": SECRET, "role": "nurse", "name": "a\nb"},
        {"secret": SECRET, "role": "nurse", "name": "x", "admin": True},
        {"secret": SECRET, "role": "nurse"},
    ],
)
def test_a_login_that_does_not_fit_is_refused_without_repeating_the_key(site: Site, body: dict[str, object]) -> None:
    answer = site.post(LOGIN, body, None)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert SECRET not in answer.text


def test_wrong_keys_are_slowed_down_and_the_window_passes(site: Site) -> None:
    wrong = {"secret": "x", "role": "nurse", "name": "Li Na"}
    for _ in range(PER_ADDRESS):
        assert site.post(LOGIN, wrong, None).status_code == 401
    answer = site.post(LOGIN, {**wrong, "secret": SECRET}, None)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == str(int(WINDOW_S))
    site.clock.advance(WINDOW_S)
    assert site.post(LOGIN, {**wrong, "secret": SECRET}, None).status_code == 200


def test_guessing_from_many_addresses_is_slowed_down_too() -> None:
    limit = FailureLimit(ManualClock())
    for number in range(OVERALL):
        assert limit.wait_s("nobody") == 0
        limit.failed(f"10.0.0.{number}")
    assert limit.wait_s("nobody") == 60


def test_addresses_are_forgotten_before_they_fill_the_memory() -> None:
    clock = ManualClock()
    limit = FailureLimit(clock)
    for number in range(MOST_ADDRESSES + 50):
        limit.failed(str(number))
    assert len(limit._by_address) == MOST_ADDRESSES


def test_a_token_ends(site: Site) -> None:
    token = site.token("nurse")
    site.clock.advance(TOKEN_LIFE_US / 1e6)
    assert site.get("/api/v1/me", None, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def _signed(claims: dict[str, object], key: bytes = KEY, alg: str = "HS256") -> str:
    return jwt.encode({"alg": alg}, claims, OctKey.import_key(key), algorithms=[alg])


GOOD: dict[str, object] = {
    "sub": "x",
    "role": "nurse",
    "aud": "vigil",
    "iat": START // 1_000_000,
    "exp": START // 1_000_000 + 60,
}


@pytest.mark.parametrize("change", [{"aud": "other"}, {"role": "root"}, {"exp": START // 1_000_000}, {"iat": 9e9}])
def test_a_token_with_a_wrong_claim_is_refused(change: dict[str, object]) -> None:
    tokens = Tokens(KEY, ManualClock(START))
    assert tokens.read(_signed(GOOD)) == Principal("x", Role.NURSE, START + 60_000_000)
    assert tokens.read(_signed({**GOOD, **change})) is None


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_token_without_a_claim_is_refused(missing: str) -> None:
    claims = {key: value for key, value in GOOD.items() if key != missing}
    assert Tokens(KEY, ManualClock(START)).read(_signed(claims)) is None


def test_forged_tokens_are_refused() -> None:
    tokens = Tokens(KEY, ManualClock(START))
    assert tokens.read(_signed(GOOD, b"another key of 32 bytes in length")) is None
    assert tokens.read(_signed(GOOD, alg="HS512")) is None
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(GOOD).encode()).rstrip(b"=").decode()
    for text in (f"{none}.{body}.", "", "a.b.c", "ä.ö.ü"):
        assert tokens.read(text) is None, text


def test_a_short_key_refuses_to_start() -> None:
    with pytest.raises(ConfigError, match="32 bytes"):
        Tokens(b"short", ManualClock())
