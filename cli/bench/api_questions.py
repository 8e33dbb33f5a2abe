"""What is asked of a running core, in turns on one connection, and how long each answer took."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import numpy as np

from cli.bench.api_ward import BEDS, People
from cli.bench.ingestion.site import HOST, Site
from vigil.domain.errors import ServerUnreachable
from vigil.domain.times import DAY, SECOND, to_iso
from vigil.runtime.clock import Clock

#: Points of a curve of 24 h.
POINTS = 500
STEP_S = -(-DAY // SECOND // POINTS)
BARE = "/healthz, which does nothing"
#: Seconds between two turns: whoever looks at a page does not ask without a pause.
PAUSE_S = 0.05
_ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Question:
    """``goal_s``: half of the answers come sooner (the issue of this command), None = measured only. ``path`` takes the time
    now and the number of the turn. ``size``: how much an answer holds."""

    name: str
    goal_s: float | None
    path: Callable[[int, int], str]
    size: Callable[[Any], int]


@dataclass(slots=True)
class Asked:
    """``seconds`` of each answer; ``size`` and ``octets`` of the last one."""

    question: Question
    seconds: list[float] = field(default_factory=list)
    size: int = 0
    octets: int = 0

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.seconds, share))


def questions(people: People) -> tuple[Question, ...]:
    """About the first ward, whose patients all wear a sensor; its first patient, measured each second; and one after the other of
    the people with sensors, whose day nobody has looked at yet."""
    patient, ward = people.patient(0), people.ward(0)
    rates = f'vital_heart_rate_per_minute{{ward="{ward}"}}'
    means = f"avg_over_time({_rate_of(patient)}[{STEP_S}s])"
    return (
        Question(BARE, None, lambda _now, _turn: "/healthz", len),
        Question(
            f"latest values of a ward of {BEDS}",
            0.005,
            lambda _now, _turn: f"/api/v1/patients?ward={ward}&limit={BEDS}",
            lambda found: len(found["items"]),
        ),
        Question("one vital of it by Prometheus", None, lambda _now, _turn: _prom("query", query=rates), _series),
        Question(f"24 h to {POINTS} points", 0.015, lambda now, _turn: _day(patient, now), _buckets),
        Question("by Prometheus, query_range", 0.015, lambda now, _turn: _range(_rate_of(patient), now), _samples),
        Question("by Prometheus, mean of each step", None, lambda now, _turn: _range(means, now), _samples),
        Question(
            "24 h of somebody not looked at before",
            0.015,
            lambda now, turn: _day(_other(people, 2 * turn), now),
            _buckets,
        ),
        Question(
            "by Prometheus, somebody else",
            0.015,
            lambda now, turn: _range(_rate_of(_other(people, 2 * turn + 1)), now),
            _samples,
        ),
        Question("alert list", 0.010, lambda _now, _turn: "/api/v1/alerts", lambda found: len(found["items"])),
    )


def _other(people: People, number: int) -> str:
    """Each time another one who wears a sensor, until all were asked about."""
    return people.patient(1 + number % max(1, len(people.worn) - 1))


def _series(found: Any) -> int:
    return len(found["data"]["result"])


def _samples(found: Any) -> int:
    return len(found["data"]["result"][0]["values"])


def _buckets(found: Any) -> int:
    return len(found["streams"][0]["points"] or found["streams"][0]["raw"])


def _rate_of(patient: str) -> str:
    return f'vital_heart_rate_per_minute{{patient="{patient}"}}'


def _day(patient: str, now: int) -> str:
    span = urlencode({"vital": "heart_rate", "from": to_iso(now - DAY), "to": to_iso(now), "points": POINTS})
    return f"/api/v1/patients/{patient}/vitals?{span}"


def _range(query: str, now: int) -> str:
    end = now / SECOND
    return _prom("query_range", query=query, start=end - DAY / SECOND, end=end, step=STEP_S)


def _prom(act: str, **parameters: object) -> str:
    return f"/prom/api/v1/{act}?{urlencode(parameters)}"


def ask(site: Site, token: str, wanted: Sequence[Question], seconds: float) -> list[Asked]:
    """All of them in turn for so long, three turns at least. Raises ``ServerUnreachable`` for an answer other than 200."""
    found = [Asked(question) for question in wanted]
    connection = http.client.HTTPConnection(HOST, site.http_port, timeout=_ANSWER_S)
    try:
        connection.connect()
        until, turns = site.clock.monotonic() + seconds, 0
        while turns < 3 or site.clock.monotonic() < until:
            for one in found:
                took, body = _answer(connection, token, one.question.path(site.clock.now_us(), turns), site.clock)
                one.seconds.append(took)
                if not turns:
                    one.size, one.octets = one.question.size(json.loads(body)), len(body)
            turns += 1
            site.clock.sleep(PAUSE_S)
    except (OSError, http.client.HTTPException) as error:
        raise ServerUnreachable(f"the core of the measurement does not answer: {type(error).__name__}") from error
    finally:
        connection.close()
    return found


def _answer(connection: http.client.HTTPConnection, token: str, path: str, clock: Clock) -> tuple[float, bytes]:
    began = clock.monotonic()
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    took = clock.monotonic() - began
    if answer.status != http.client.OK:
        raise ServerUnreachable(f"GET {path.partition('?')[0]}: {answer.status} {answer.reason}")
    return took, body
