"""The steps of stage 2 in order; each is one small module.

intake (decode each line) -> spool -> publish -> await ack -> prune
"""

from __future__ import annotations

from gateway.await_ack import Acknowledgements
from gateway.count import Counts
from gateway.intake import Intake
from gateway.prune import Pruner
from gateway.publish import Publisher
from gateway.settings import GatewaySettings
from gateway.spool_thread import SpoolThread


class Pipeline:
    """The steps, connected: a stored line wakes the publisher, a pruned pack does too."""

    def __init__(self, settings: GatewaySettings, spool: SpoolThread, counts: Counts) -> None:
        devices = settings.devices
        self.publisher = Publisher(settings.tenant, settings.login.user, devices, spool, settings.resend, counts)
        self.intake = Intake(devices, spool, counts, self.publisher.wake)
        self.acknowledgements = Acknowledgements(settings.tenant, devices)
        self.pruner = Pruner(self.acknowledgements, spool, counts, self.publisher.wake)
