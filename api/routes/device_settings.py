"""What a device is told to do: its sampling intervals, and limits for its own decisions. It says when it does so."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api import shape
from api.auth import Needs, PolicyMaker, Principal, Right
from api.care import View
from api.context import Context, Here, Seen
from api.routes.devices import require_device
from api.schema.device_settings import SettingsChange, SettingsOut
from api.schema.session import problem
from api.shape import Json
from vigil.domain.device_settings import DeviceSettings, Limit, check, holding, standing

router = APIRouter(prefix="/api/v1/devices", tags=["devices"])

DeviceReader = Annotated[Principal, Depends(Needs(Right.DEVICES))]


@router.get(
    "/{device_id}/settings",
    response_model=SettingsOut,
    summary="What the device is told to do, whether it has confirmed it, and every earlier version",
)
def settings(device_id: str, who: DeviceReader, here: Here, seen: Seen) -> Json:
    require_device(here, device_id)
    return _shown(here, seen, device_id, who.may(Right.NAMES))


@router.put(
    "/{device_id}/settings",
    response_model=SettingsOut,
    responses={409: problem("another version holds than the one that was read")},
    summary="Tell the device how often to measure and when to send at once; it counts once the device has confirmed it",
)
def change(device_id: str, body: SettingsChange, who: PolicyMaker, here: Here, seen: Seen) -> Json:
    require_device(here, device_id)
    limits = {name: Limit(one.low, one.high) for name, one in body.limits.items()}
    now = here.deps.clock.now_us()
    wanted = DeviceSettings(device_id, dict(body.interval_s), limits, who.name, body.reason, now)
    check(wanted)
    here.deps.records.put_settings(wanted, body.after)
    return _shown(here, seen, device_id, who.may(Right.NAMES))


def _shown(here: Context, seen: View, device_id: str, names: bool) -> Json:
    """``names`` False leaves out the reasons, which may hold one; so may those of a time when another ward's patient wore it."""
    versions = here.deps.records.settings_history(device_id)
    held, since = holding(versions), seen.since(device_id)
    return {
        "device_id": device_id,
        "state": standing(versions, here.deps.clock.now_us()),
        "wanted": _version(versions[0], names, since) if versions else None,
        "confirmed": _version(held, names, since) if held else None,
        "history": [_version(one, names, since) for one in versions],
    }


def _version(one: DeviceSettings, names: bool, since: int) -> Json:
    said = one.answer
    return {
        "version": one.version,
        "interval_s": dict(one.interval_s),
        "limits": {name: {"low": limit.low, "high": limit.high} for name, limit in one.limits.items()},
        "set_by": one.author,
        "reason": one.reason if names and one.at >= since else None,
        "set_at": shape.iso(one.at),
        "answer": {"accepted": said.accepted, "text": said.text, "at": shape.iso(said.at)} if said else None,
    }
