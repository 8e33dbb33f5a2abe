"""The address that ``vigil up`` shows: with the access key only as long as the key opens something."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cli import up
from vigil.runtime.keys import Keys

KEYS = Keys(first_run_secret="open-sesame", token_key="k", record_key="r", ingest_password="p")
WITH_KEY = "http://127.0.0.1:8000/#key=open-sesame"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (httpx.Response(200, json={"accounts": False}), WITH_KEY),
        (httpx.Response(200, json={"accounts": True}), "http://127.0.0.1:8000"),
        (httpx.Response(503, text="not now"), WITH_KEY),
        (httpx.ConnectError("refused"), WITH_KEY),
    ],
)
def test_the_key_is_shown_until_there_are_accounts(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | httpx.HTTPError, shown: str
) -> None:
    def get(url: str, **_: Any) -> httpx.Response:
        assert url == "http://127.0.0.1:8000/api/v1/auth"
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    monkeypatch.setattr(httpx, "get", get)
    assert up._page("http://127.0.0.1:8000", KEYS) == shown
