"""Answers ``cmd/config``: a gateway cannot change how often its sensors measure, and somebody waits to be told."""

from __future__ import annotations

from vigil.wire import control, topics

WHY = "behind a gateway: it cannot change how often its sensors measure"


class Unable:
    """``take_message`` comes from the broker connection, ``taken`` is called by the step that publishes."""

    def __init__(self, tenant: str, devices: tuple[str, ...]) -> None:
        self._devices = {topics.command(tenant, device, "config"): device for device in devices}
        self._waiting: dict[str, int] = {}

    def take_message(self, topic: str, payload: bytes) -> None:
        """Anything but settings for one of our devices is ignored."""
        device = self._devices.get(topic)
        config = control.read_config(payload) if device is not None else None
        if device is not None and config is not None:
            self._waiting[device] = config.version

    def taken(self) -> list[tuple[str, bytes]]:
        """(device, what it answers), the newest version only; each is handed out once."""
        waiting, self._waiting = self._waiting, {}
        return [(device, control.write_config_answer(version, WHY)) for device, version in waiting.items()]
