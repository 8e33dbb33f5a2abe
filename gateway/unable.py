"""Answers ``cmd/config`` and ``cmd/measure``: a gateway cannot change when its sensors measure, and somebody waits to be told."""

from __future__ import annotations

from vigil.wire import control, topics

WHY = "behind a gateway: it cannot change how often its sensors measure"
WHY_NOT_NOW = "behind a gateway: it cannot make its sensors measure"


class Unable:
    """``take_message`` comes from the broker connection, ``taken`` is called by the step that publishes."""

    def __init__(self, tenant: str, devices: tuple[str, ...]) -> None:
        self._settings = {topics.command(tenant, device, "config"): device for device in devices}
        self._questions = {topics.command(tenant, device, "measure"): device for device in devices}
        self._waiting: dict[tuple[str, str], bytes] = {}

    def take_message(self, topic: str, payload: bytes) -> None:
        """Anything but these for one of our devices is ignored."""
        if (device := self._settings.get(topic)) is not None:
            config = control.read_config(payload)
            if config is not None:
                self._waiting[device, "config"] = control.write_config_answer(config.version, WHY)
        elif (device := self._questions.get(topic)) is not None:
            asked = control.read_measure(payload)
            if asked is not None:
                self._waiting[device, "measure"] = control.write_measure_answer(asked.request, WHY_NOT_NOW)

    def taken(self) -> list[tuple[str, str, bytes]]:
        """(device, command, what it answers), for the newest of each only; each is handed out once."""
        waiting, self._waiting = self._waiting, {}
        return [(device, command, answer) for (device, command), answer in waiting.items()]
