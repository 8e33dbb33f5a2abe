"""The records of what devices are told to do, as a protocol."""

from __future__ import annotations

from typing import Protocol

from vigil.domain.device_settings import Answer, DeviceSettings


class DeviceSettingRecords(Protocol):
    """Safe to use from several threads."""

    def revision(self) -> int:
        """Grows with every change."""
        ...

    def put_settings(self, settings: DeviceSettings, after: int | None = None) -> DeviceSettings:
        """Adds a version and returns it with its number; earlier ones are kept. Raises ``NotFound`` for an unknown device,
        ``VersionConflict`` when the newest version is not ``after`` (0 = there is none)."""
        ...

    def settings_history(self, device_id: str) -> list[DeviceSettings]:
        """Every version, newest first."""
        ...

    def wanted_settings(self) -> list[DeviceSettings]:
        """The newest version of each device."""
        ...

    def answer_settings(self, device_id: str, version: int, answer: Answer) -> bool:
        """Keeps what the device said, the first time that it said so. Accepted: its intervals become the expected ones of the
        device. False: there is no such version, or a newer one was answered, so that a late word changes nothing."""
        ...
