"""Every other service, through apprise (extra ``notify``): chat, push, SMS gateways. What apprise calls success is *sent*."""

from __future__ import annotations

import importlib
import logging

from analytics.notify.body import words
from analytics.notify.channel import Message, Outcome
from vigil.domain.deliveries import State
from vigil.domain.errors import ConfigError
from vigil.runtime.channels import AppriseSettings


class Others:
    """``address``: apprise's own, with whatever password is in it. Raises ``ConfigError`` when apprise is not installed, or does
    not know the kind of address."""

    def __init__(self, settings: AppriseSettings, address: str) -> None:
        self._settings = settings
        try:
            apprise = importlib.import_module("apprise")
        except ImportError as error:
            raise ConfigError(f"channel {settings.name}: install the extra notify (apprise) first") from error
        # Below errors it logs what it sends.
        logging.getLogger("apprise").setLevel(logging.ERROR)
        self._services = apprise.Apprise()
        if not self._services.add(address):
            raise ConfigError(f"channel {settings.name}: apprise does not know this kind of address")

    @property
    def name(self) -> str:
        return self._settings.name

    def send(self, message: Message) -> Outcome:
        subject, text = words(message, self._settings.insecure)
        if self._services.notify(title=subject, body=text):
            return Outcome(State.SENT)
        return Outcome(State.QUEUED, "the service did not take the notice (apprise says no more)")
