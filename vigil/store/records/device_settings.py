"""What devices are told to do: every version is kept, with what the device answered. A change moves the revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from vigil.domain.device_settings import Answer, DeviceSettings, Limit
from vigil.domain.errors import NotFound, VersionConflict
from vigil.store.records.revision import changed
from vigil.store.records.tables import Tables


class SettingsBook:
    """Statements on an open connection; the caller owns the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def put(self, con: Connection, settings: DeviceSettings, after: int | None) -> DeviceSettings:
        t, device_id = self._t.device_settings, settings.device_id
        if con.execute(select(self._t.devices.c.device_id).filter_by(device_id=device_id)).first() is None:
            raise NotFound("no such device")
        newest = select(func.coalesce(func.max(t.c.version), 0)).where(t.c.device_id == device_id)
        last = int(con.execute(newest).scalar_one())
        if after is not None and after != last:
            raise VersionConflict(f"the settings are at version {last} by now: read them again")
        values = {
            "device_id": device_id,
            "version": last + 1,
            "interval_s": dict(settings.interval_s),
            "limits": {name: asdict(limit) for name, limit in settings.limits.items()},
            "author": settings.author,
            "reason": settings.reason,
            "at": settings.at,
        }
        con.execute(insert(t).values(values))
        changed(con, self._t.counters)
        return self.history(con, device_id)[0]

    def history(self, con: Connection, device_id: str) -> list[DeviceSettings]:
        """Newest first."""
        t = self._t.device_settings
        rows = con.execute(select(t).where(t.c.device_id == device_id).order_by(t.c.version.desc()))
        return [_settings(row._asdict()) for row in rows]

    def newest(self, con: Connection) -> list[DeviceSettings]:
        """Of each device, in order of its id."""
        t = self._t.device_settings
        last = select(func.max(t.c.setting_id)).group_by(t.c.device_id)
        rows = con.execute(select(t).where(t.c.setting_id.in_(last)).order_by(t.c.device_id))
        return [_settings(row._asdict()) for row in rows]

    def answer(self, con: Connection, device_id: str, version: int, answer: Answer) -> bool:
        t = self._t.device_settings
        versions = self.history(con, device_id)
        found = next((one for one in versions if one.version == version), None)
        if found is None or any(one.answer is not None for one in versions if one.version > version):
            return False
        before = found.answer
        if before is not None and (before.accepted, before.text) == (answer.accepted, answer.text):
            return True
        said = {"accepted": answer.accepted, "answer": answer.text, "answered_at": answer.at}
        con.execute(update(t).where(t.c.device_id == device_id, t.c.version == version).values(said))
        if answer.accepted:
            self._expect(con, device_id, found.interval_s)
        changed(con, self._t.counters)
        return True

    def _expect(self, con: Connection, device_id: str, interval_s: Mapping[str, float]) -> None:
        """What the settings do not name goes on as it was."""
        t = self._t.devices
        known = con.execute(select(t.c.interval_s).where(t.c.device_id == device_id)).scalar_one()
        con.execute(update(t).where(t.c.device_id == device_id).values(interval_s={**known, **interval_s}))


def _settings(row: Mapping[str, Any]) -> DeviceSettings:
    answered = row["answered_at"] is not None
    return DeviceSettings(
        row["device_id"],
        row["interval_s"],
        {name: Limit(**limit) for name, limit in row["limits"].items()},
        row["author"],
        row["reason"],
        row["at"],
        row["version"],
        Answer(row["accepted"], row["answer"], row["answered_at"]) if answered else None,
    )
