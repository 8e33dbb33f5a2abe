"""A small client of the HTTP API, for the commands that feed a running Vigil through its front door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from vigil.domain.errors import ServerUnreachable
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock

TIMEOUT_S = 15.0
_SEX = {"F": "female", "M": "male"}


def demo_patient(
    patient_id: str, family: str, given: str, age: int, sex: str, ward: str, clock: Clock
) -> dict[str, Any]:
    """Body of an admission that every view marks as a demonstration; of the birth only the year is known."""
    year = datetime.fromtimestamp(clock.now_us() / SECOND, UTC).year - age
    return {
        "id": patient_id,
        "family": family,
        "given": given,
        "born": f"{year}-01-01",
        "sex": _SEX.get(sex, "unknown"),
        "ward": ward,
        "demo": True,
    }


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """``seq``: position in the alert log, None for events that have none."""

    name: str
    seq: int | None
    data: dict[str, Any]


class Client:
    """Every method raises ``ServerUnreachable`` with the server's own words when a call fails."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, timeout=TIMEOUT_S, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, body: object | None = None, *, missing_ok: bool = False) -> Any:
        """The decoded answer; None for 404 where that is expected."""
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ServerUnreachable(
                f"Vigil does not answer at {self._http.base_url}: {type(error).__name__}"
            ) from error
        if answer.status_code == httpx.codes.NOT_FOUND and missing_ok:
            return None
        if answer.is_error:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            words = problem.get("detail") or problem.get("title") or answer.reason_phrase
            raise ServerUnreachable(f"{method} {path.partition('?')[0]}: {answer.status_code} {words}")
        return answer.json()

    async def events(self, path: str, last_id: int | None = None) -> AsyncGenerator[ServerEvent, None]:
        """A stream of server-sent events, resumed after ``last_id``, until the server ends it. A server that sends nothing for
        ``TIMEOUT_S``, not even a heartbeat, has failed."""
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        try:
            async with self._http.stream("GET", path, headers=headers) as answer:
                if answer.is_error:
                    raise ServerUnreachable(f"GET {path.partition('?')[0]}: {answer.status_code}")
                name, seq = "", None
                async for line in answer.aiter_lines():
                    field, _, value = line.partition(": ")
                    if field == "event":
                        name, seq = value, None
                    elif field == "id":
                        seq = int(value)
                    elif field == "data":
                        yield ServerEvent(name, seq, json.loads(value))
        except httpx.HTTPError as error:
            raise ServerUnreachable(f"the event stream of Vigil broke off: {type(error).__name__}") from error

    async def wait_ready(self, timeout_s: float) -> None:
        """Until ``/readyz`` says yes."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._is_ready():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise ServerUnreachable(f"Vigil at {self._http.base_url} was not ready within {timeout_s:g} s") from None

    async def _is_ready(self) -> bool:
        try:
            return (await self._http.get("/readyz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def ensure_patient(self, patient: dict[str, Any]) -> None:
        if await self.call("GET", f"/api/v1/patients/{patient['id']}", missing_ok=True) is None:
            await self.call("POST", "/api/v1/patients", patient)

    async def ensure_device(self, device_id: str, model: str) -> dict[str, Any]:
        """Registers the device, or renews its password; the broker account with which it may publish."""
        answer = await self.call("POST", "/api/v1/devices", {"id": device_id, "model": model})
        account: dict[str, Any] = answer["mqtt"]
        return account

    async def bind(self, device_id: str, patient_id: str, start_at: str) -> None:
        await self.call(
            "POST", f"/api/v1/devices/{device_id}/binding", {"patient_id": patient_id, "start_at": start_at}
        )
