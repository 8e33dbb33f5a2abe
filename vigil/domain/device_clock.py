"""A device's clock judged from outside: offset and drift from pairs of (device time, time of receipt) of live packs.

Two rules of evidence follow from what a lag is (``clock_line``):

* A clock that is *ahead* shows lags that no delay can make: a minute of packs proves it.
* A clock that is *behind* looks like a delay. Only a lag that stands still for long counts (a queue that is worked off shrinks),
  and never one that grew while device time ran on without a step: that is a queue, however long it lasts. A step back is a pack
  with a later number and an earlier time; of a sender without numbers, an earlier time.
* A step back of a numbered sender is known at once, within the time since the pack before: what was made later was measured
  later. So much, and no more than the least lag, is the clock behind. It must run on meanwhile as time does, because who numbers
  packs as he sends them may send an old value, or some of them at once.

Pure and deterministic: the state after a row of packs is the same however the row was cut into batches.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.clock_line import LEAST_BINS, MOST_DRIFT, Envelope, Line
from vigil.domain.quality import OLDEST
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.times import MINUTE, SECOND

#: Beyond this a clock is corrected, and until it is back within half of it, microseconds (issue 6).
CORRECT_BEYOND = 2 * SECOND
#: A lag this far from what the clock led to expect is no jitter: the clock jumped, or the pack was late. Ours.
STEP = 2 * SECOND
#: How long a clock must be seen before it counts as known; one that is behind for longer, and in more bins. Ours.
QUICK_SPAN, SLOW_SPAN, SLOW_BINS = MINUTE, 15 * MINUTE, 8
#: A queue that grows or shrinks more slowly than so many seconds a second is taken for a clock that is behind. Ours.
SLOWEST_QUEUE = 1e-3
#: A delay that every pack has cannot be told from an offset: seconds allowed for it, and for a clock of whole seconds. Ours.
FLOOR, WHOLE_SECOND_FLOOR = 0.25, 1.25
#: By what a step back of a numbered sender proves, times are corrected while it is known within so much. Ours.
ROOM = 5 * MINUTE
#: An epoch that is so little greater than the one before is a later count of boots; of random numbers, one in a million is. Ours.
MOST_BOOTS = 1000
#: A line that was taken over from before a restart: its uncertainty in seconds and how fast that grows. Ours.
_INHERITED, _INHERITED_GROWTH = 0.5, 100e-6
#: Closed segments that are kept for history that comes later. Ours.
_PAST = 8


class ClockState(StrEnum):
    """What is known. ``JUMPED``: it stepped, and by how much is not yet certain; ``NEVER_SET``: it shows a time before 2015."""

    UNKNOWN = "unknown"
    SET = "set"
    CORRECTED = "corrected"
    JUMPED = "jumped"
    NEVER_SET = "never_set"


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """What is known of a clock. ``offset_s``: device minus true time; ``drift_ppm``: positive = fast. None = not known.

    ``since_at``: the first pack that this rests on; ``packs``: live ones since; ``jumps``: steps seen, the newest ``jumped_at``;
    ``least_lag_s``: the least time from measuring by the device's clock to receipt. Times in microseconds UTC.
    """

    state: ClockState
    corrected: bool
    offset_s: float | None
    uncertainty_s: float | None
    drift_ppm: float | None
    drift_uncertainty_ppm: float | None
    since_at: int
    packs: int
    samples: int
    least_lag_s: float
    jumps: int
    jumped_at: int | None


class Segment:
    """A stretch of one clock without a jump. ``line`` is the last one that was certain, ``correcting`` whether it is used."""

    __slots__ = (
        "_first", "_lowest", "_lowest_at", "_newest_seq", "_until", "_whole", "back", "behind", "correcting",
        "envelope", "epoch", "first_device", "first_seq", "line", "newest_device", "packs", "since",
    )  # fmt: skip

    def __init__(
        self, epoch: int, seq: int, device: int, received: int, *, back: bool = False, behind: int = 0
    ) -> None:
        """``back``: it began with a step of the clock, so that a greater lag may be the clock's. ``behind``: by so many
        microseconds at least, which the packs before it prove; 0 = they prove nothing."""
        self.behind = behind
        self.epoch, self.first_seq, self.first_device, self.since = epoch, seq, device, received
        self.back = back
        self.line: Line | None = None
        self._until = -1
        self.correcting = False
        self.packs = 0
        self._begin(seq, device, received)

    def _begin(self, seq: int, device: int, received: int) -> None:
        self.envelope = Envelope()
        self._first = device, received - device
        self.newest_device, self._newest_seq = device, seq
        self._lowest, self._lowest_at = received - device, received
        self._whole = True
        self.add(seq, device, received)

    def restart(self, seq: int, device: int, received: int) -> None:
        """A lower lag came before anything was certain: what was seen so far was late."""
        self.since = received
        self._begin(seq, device, received)

    def stepped_back(self, seq: int, device: int) -> bool:
        """Does this pack show an earlier time than one that was made before it?"""
        later = seq > self._newest_seq or seq == NO_SEQUENCE
        return later and device < self.newest_device - STEP

    def proves_behind(self, epoch: int, seq: int, device: int) -> int:
        """How far the clock of a pack is behind at least when the pack was made after the newest one here; 0 = not known."""
        later = seq > self._newest_seq if epoch == self.epoch else 0 < epoch - self.epoch <= MOST_BOOTS
        if seq == NO_SEQUENCE or not later:
            return 0
        made = self.line.true_time(self.newest_device) if self.line and self.correcting else self.newest_device
        behind = made - device
        return behind if behind > STEP else 0

    @property
    def runs(self) -> bool:
        """Has it run on as time does?"""
        device, lag = self._first
        ran = self.newest_device - device
        return ran >= 2 * STEP and lag - self._lowest <= STEP + ran // 10

    def proved(self, received: int) -> Line | None:
        """The line by what ``behind`` leaves open; its uncertainty may be beyond its bound."""
        room = self._lowest - self.behind
        if not self.behind or not self.runs or not 0 <= room <= ROOM:
            return None
        return Line(received, received, self._lowest, 0.0, room / SECOND, MOST_DRIFT)

    @property
    def never_set(self) -> bool:
        return self.newest_device < OLDEST

    @property
    def lowest(self) -> int:
        return self._lowest

    def holds(self, received: int) -> bool:
        return received <= self._until

    def gap(self, device: int, received: int) -> tuple[int, int]:
        """How much more the lag is than expected, and how much may still be jitter, microseconds."""
        lag, line = received - device, self.line
        if line is not None and received <= self._until:
            return lag - line.shift_at(received), max(STEP, round(2 * line.uncertainty(received) * SECOND))
        return lag - self._lowest, STEP + round(MOST_DRIFT * abs(received - self._lowest_at))

    def add(self, seq: int, device: int, received: int) -> None:
        lag = received - device
        self.packs += 1
        if device > self.newest_device:
            self.newest_device, self._newest_seq = device, seq
        if lag <= self._lowest:
            self._lowest, self._lowest_at = lag, received
        if self._whole and device % SECOND:
            self._whole = False
        if self.envelope.add(received, lag):
            self._judge()

    def _judge(self) -> None:
        line = self.envelope.line(WHOLE_SECOND_FLOOR if self._whole else FLOOR)
        if line is None or not self._certain(line):
            return
        self.line, self._until = line, line.holds_until
        self.correcting = abs(line.shift) > (CORRECT_BEYOND // 2 if self.correcting else CORRECT_BEYOND)

    def _certain(self, line: Line) -> bool:
        span, bins = line.at - line.start, len(self.envelope.times) - 1
        if line.base > line.bound:
            return False
        if line.shift > CORRECT_BEYOND and not self.never_set:
            still = abs(line.slope) + line.slope_error <= SLOWEST_QUEUE and abs(line.slope) <= MOST_DRIFT
            return still and bins >= SLOW_BINS and span >= SLOW_SPAN and self.envelope.longest_gap <= span / 2
        return bins >= LEAST_BINS and span >= QUICK_SPAN and abs(line.slope) <= MOST_DRIFT

    def inherit(self, received: int, shift: int) -> None:
        self.line = Line(received, received, shift, 0.0, _INHERITED, _INHERITED_GROWTH)
        self._until = self.line.holds_until
        self.correcting = True


class ClockTracker:
    """All that is known of one device's clock: its present segment, a rival that may prove a jump, and closed ones."""

    __slots__ = ("_jumped_at", "_jumps", "_main", "_past", "_rival")

    def __init__(self) -> None:
        self._main: Segment | None = None
        self._rival: Segment | None = None
        self._past: deque[Segment] = deque(maxlen=_PAST)
        self._jumps = 0
        self._jumped_at: int | None = None

    def observe(self, epoch: int, seq: int, device: int, received: int) -> Line | None:
        """A live pack whose newest value has time ``device``. Returns the line that corrects it; None = nothing to correct, or
        not known."""
        main = self._main
        if main is None or main.epoch != epoch:
            if any(old.epoch == epoch for old in self._past):
                return self.line_of(epoch, seq, device)  # sent before the device began a new epoch, and late
            self._begin(epoch, seq, device, received)
            return None
        gap, most = main.gap(device, received)
        if -most <= gap <= most:
            main.add(seq, device, received)
            self._rival = None
        elif gap < 0 and not main.holds(received):
            self._lower(main, epoch, seq, device, received)
        else:
            self._challenge(main, gap, epoch, seq, device, received)
        return self._present(seq, device, received)

    def _begin(self, epoch: int, seq: int, device: int, received: int) -> None:
        behind = 0
        if self._main is not None:
            self._past.append(self._main)
            behind = self._main.proves_behind(epoch, seq, device)
        self._main, self._rival = Segment(epoch, seq, device, received, behind=behind), None

    def _present(self, seq: int, device: int, received: int) -> Line | None:
        main, rival = self._main, self._rival
        assert main is not None
        if rival is not None and rival.runs and rival.first_seq <= seq < NO_SEQUENCE:
            proved = rival.proved(received)
            # Stepped back: it was made later than the old line would have it.
            if proved is not None or main.stepped_back(seq, device):
                return proved
        if main.holds(received):
            return main.line if main.correcting else None
        return main.proved(received)

    def _lower(self, main: Segment, epoch: int, seq: int, device: int, received: int) -> None:
        """The first of these was late, or the clock was set: the same clock unless it had never been set before."""
        if main.never_set != (device < OLDEST):
            self._begin(epoch, seq, device, received)
            self._jump(received)
        else:
            main.restart(seq, device, received)
            self._rival = None

    def _challenge(self, main: Segment, gap: int, epoch: int, seq: int, device: int, received: int) -> None:
        """A pack that does not fit the present clock: late, or the first of another one."""
        rival = self._rival
        stepped, behind = gap < 0 or main.stepped_back(seq, device), main.proves_behind(epoch, seq, device)
        if rival is None:
            self._rival = Segment(epoch, seq, device, received, back=stepped, behind=behind)
            return
        apart, most = rival.gap(device, received)
        if -most <= apart <= most:
            rival.add(seq, device, received)
        elif apart < 0 or rival.stepped_back(seq, device):
            self._rival = Segment(epoch, seq, device, received, back=stepped, behind=behind)
            return
        if rival.back and rival.holds(received):
            self._past.append(main)
            self._main, self._rival = rival, None
            self._jump(rival.since)

    def _jump(self, at: int) -> None:
        self._jumps += 1
        self._jumped_at = at

    def line_of(self, epoch: int, seq: int, device: int) -> Line | None:
        """The line for history: that of the stretch of this epoch in which it was measured. A line that is too uncertain so far
        back is of use only where the clock was never set."""
        segment = self._segment_of(epoch, seq, device)
        if segment is None or segment.line is None or not segment.correcting:
            return None
        line = segment.line
        known = device < OLDEST or line.uncertainty(line.true_time(device)) <= line.bound
        return line if known else None

    def _segment_of(self, epoch: int, seq: int, device: int) -> Segment | None:
        segments = [*self._past, *([] if self._main is None else [self._main])]
        own = [one for one in segments if one.epoch == epoch]
        if seq != NO_SEQUENCE:
            return next((one for one in reversed(own) if one.first_seq <= seq), own[0] if own else None)
        if len(own) > 1:  # who counts nothing is placed by his clock, where only one stretch fits
            own = [one for one in own if one.first_device <= device <= one.newest_device]
        return own[0] if len(own) == 1 else None

    def inherit(self, epoch: int, received: int, shift: int) -> None:
        """After a restart: the correction that was in use for the newest stored reading goes on until more is known."""
        if self._main is not None and self._main.epoch == epoch and self._main.line is None:
            self._main.inherit(received, shift)

    def clock(self, now: int) -> DeviceClock | None:
        """None before the first pack."""
        main = self._main
        if main is None:
            return None
        line = main.line if main.holds(now) else None
        return DeviceClock(
            state=self._state(main, line),
            corrected=main.correcting and line is not None,
            offset_s=None if line is None else -line.shift_at(now) / SECOND,
            uncertainty_s=None if line is None else line.uncertainty(now),
            drift_ppm=None if line is None else 0.0 - line.slope * 1e6,
            drift_uncertainty_ppm=None if line is None else line.slope_error * 1e6,
            since_at=main.since,
            packs=main.packs,
            samples=len(main.envelope.times),
            least_lag_s=main.lowest / SECOND,
            jumps=self._jumps,
            jumped_at=self._jumped_at,
        )

    def _state(self, main: Segment, line: Line | None) -> ClockState:
        rival = self._rival
        if rival is not None and rival.back and rival.packs > 1:
            return ClockState.JUMPED
        if main.never_set:
            return ClockState.NEVER_SET
        if line is None:
            return ClockState.JUMPED if self._jumps else ClockState.UNKNOWN
        return ClockState.CORRECTED if main.correcting else ClockState.SET
