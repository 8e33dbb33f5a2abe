"""What a channel is given and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vigil.domain.alerts import Alert, Transition
from vigil.domain.deliveries import Delivery, State

#: A receiver that does not answer for so long is given up for this try, seconds (ours).
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """One notice. ``line``: what happened to the alert; ``earlier``: the alert after each line before, oldest first.
    ``page``: address of the page, empty when it is not known."""

    delivery: Delivery
    line: Transition
    earlier: tuple[Alert, ...] = ()
    page: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``state``: sent or delivered; queued = worth another try; failed = another try would end the same way.
    ``why``: words for an operator, without a secret, an address's path or a patient."""

    state: State
    why: str = ""


class Channel(Protocol):
    @property
    def name(self) -> str: ...

    def send(self, message: Message) -> Outcome:
        """Returns within a small multiple of ``TIMEOUT_S``; what goes wrong at the other end is an outcome, no exception."""
        ...
