"""What routes share while the app lives: the bundle they were given and what was built from it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.accounts import AccountBook
from api.auth import Principal, Tokens, unauthorized
from api.care import WHOLE, Care, View
from api.deps import ApiDeps
from api.live import LiveHub
from api.looking import Looking
from api.passwords import Passwords
from api.screens import Screens
from api.series import Wearing
from api.shape import moment
from api.throttle import FailureLimit
from api.unproven import Unproven
from api.ward import Ward
from vigil.domain.errors import InvalidInput
from vigil.domain.times import DAY
from vigil.domain.vitals import BY_NAME, VitalKind

#: The longest range of time that one request may ask for.
LONGEST_RANGE_US = 366 * DAY
#: Times in requests lie between 2015, as for telemetry, and 2200.
EARLIEST_US = 1_420_070_400_000_000
LATEST_US = 7_258_118_400_000_000


@dataclass(frozen=True)
class Context:
    deps: ApiDeps
    tokens: Tokens
    ward: Ward
    care: Care
    hub: LiveHub
    failures: FailureLimit
    wrong_codes: FailureLimit
    unproven: Unproven
    wearing: Wearing
    accounts: AccountBook
    passwords: Passwords
    log_ins: FailureLimit
    screens: Screens
    looking: Looking


def _context(request: Request) -> Context:
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


async def _here(request: Request) -> Context:
    """In the event loop: to hand it to a thread and back would cost each request more than this."""
    return _context(request)


Here = Annotated[Context, Depends(_here)]


async def _view(request: Request) -> View:
    """Raises ``Problem`` (401)."""
    principal: Principal | None = request.scope.get("vigil.principal")
    if principal is None:
        raise unauthorized()
    return WHOLE if principal.wards is None else await asyncio.to_thread(_context(request).care.view, principal)


#: Whose patients the caller may see.
Seen = Annotated[View, Depends(_view)]


def time_given(text: str, name: str) -> int:
    """Microseconds of an RFC 3339 time in a request. Raises ``InvalidInput``."""
    try:
        found = moment(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{name}: not a time like 2026-01-01T08:30:00Z") from error
    if not EARLIEST_US <= found <= LATEST_US:
        raise InvalidInput(f"{name}: must lie between 2015 and 2200")
    return found


def span_given(start: str | None, end: str | None, now: int, default_us: int) -> tuple[int, int]:
    """[start, end) in microseconds; the default ends now. Raises ``InvalidInput`` for an empty or too long one."""
    until = time_given(end, "to") if end is not None else now + 1
    since = time_given(start, "from") if start is not None else until - default_us
    if since >= until:
        raise InvalidInput("from must be before to")
    if until - since > LONGEST_RANGE_US:
        raise InvalidInput("from and to must not be more than 366 days apart")
    return since, until


def vital_given(name: str) -> VitalKind:
    """Raises ``InvalidInput`` for a name that is not in the table."""
    kind = BY_NAME.get(name)
    if kind is None:
        raise InvalidInput("vital: no vital sign has this name")
    return kind
