"""All that analytics remembers between readings, and its place in the input: what a snapshot holds."""

from __future__ import annotations

from collections.abc import Callable

from analytics.directory import Directory
from analytics.limits import Limits
from analytics.slots import Slots
from analytics.windows import Windows
from vigil.domain.readings import Stream


class State:
    """``position``: the ordinal of the last reading taken in."""

    def __init__(self, directory: Directory, streams: Callable[[], list[Stream]]) -> None:
        self.slots = Slots(directory, streams)
        self.limits = Limits(self.slots)
        self.windows = Windows(self.slots)
        self.position = 0
