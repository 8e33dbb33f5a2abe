"""Alarm burden as a number."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Right, may
from api.burden import burden
from api.context import LONGEST_RANGE_US, Here, Seen, time_given
from api.schema.base import Time
from api.schema.burden import BurdenOut
from api.shape import Json
from vigil.domain.burden import By
from vigil.domain.errors import InvalidInput
from vigil.domain.times import DAY

router = APIRouter(prefix="/api/v1/burden", tags=["alerts"])

_DEFAULT_US = 30 * DAY


@router.get(
    "",
    response_model=BurdenOut,
    summary="What alerts cost and how many were worth it, per rule and policy version; 30 days by default",
    dependencies=[may(Right.READ)],
)
def of_interval(here: Here, seen: Seen, since: Time | None = None, until: Time | None = None, by: By = By.RULE) -> Json:
    now = here.deps.clock.now_us()
    start, end = _interval(since, until, now)
    return burden(here.deps.records, seen, start, end, by, now)


def _interval(since: str | None, until: str | None, now: int) -> tuple[int, int]:
    """[since, until) in microseconds; the default ends now. Raises ``InvalidInput`` for an empty or too long one."""
    end = now + 1 if until is None else time_given(until, "until")
    start = end - _DEFAULT_US if since is None else time_given(since, "since")
    if start >= end:
        raise InvalidInput("since must be before until")
    if end - start > LONGEST_RANGE_US:
        raise InvalidInput("since and until must not be more than 366 days apart")
    return start, end
