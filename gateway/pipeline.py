"""The steps of stage 2 in order; each is one small module.

intake (decode each line) -> spool -> publish -> await ack -> prune; beside them: asked (what the platform lacks), unable (what a
gateway cannot do), bound
"""

from __future__ import annotations

from gateway.asked import Asked
from gateway.await_ack import Acknowledgements
from gateway.bound import Bounds
from gateway.count import Counts
from gateway.intake import Intake
from gateway.prune import Pruner
from gateway.publish import Publisher
from gateway.settings import GatewaySettings
from gateway.spool_thread import SpoolThread
from gateway.unable import Unable
from vigil.runtime.clock import Clock


class Pipeline:
    """The steps, connected: a stored line wakes the publisher, a pruned pack and a question do too."""

    def __init__(self, settings: GatewaySettings, spool: SpoolThread, counts: Counts, clock: Clock) -> None:
        devices = settings.devices
        self.asked = Asked(settings.tenant, devices)
        self.unable = Unable(settings.tenant, devices)
        self.publisher = Publisher(settings, spool, self.asked, self.unable, counts, clock)
        self.intake = Intake(devices, spool, counts, self.publisher.wake)
        self.acknowledgements = Acknowledgements(settings.tenant, devices)
        self.pruner = Pruner(self.acknowledgements, spool, counts, self.publisher.wake)
        self.bounds = Bounds(spool, counts)

    def take_message(self, topic: str, payload: bytes) -> None:
        """From the broker."""
        self.acknowledgements.take_message(topic, payload)
        self.asked.take_message(topic, payload)
        self.unable.take_message(topic, payload)
        self.publisher.wake()
