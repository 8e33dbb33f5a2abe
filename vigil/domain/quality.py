"""Quality bits of one value (u16): the low byte is the device's own word, the high byte is the platform's."""

from __future__ import annotations

from enum import IntFlag

from vigil.domain.times import DAY, SECOND, from_iso


class Quality(IntFlag):
    """`wire_formats` section 8: a device sends the low byte as ``<name>.q``; the platform adds the high byte."""

    GOOD = 0
    MOTION = 1
    LOW_PERFUSION = 2
    CONTACT_LOST = 4
    EARLY_ESTIMATE = 8
    QUESTIONABLE = 16
    TEST = 32
    #: A sensor without a clock that is set: the value stands at the moment when its gateway got it, and may be older.
    GATEWAY_TIME = 64

    #: Outside the plausible but inside the reject range: keep, show, ask for a repeat.
    IMPLAUSIBLE = 256
    #: The device's clock was more than 5 s ahead, never set, or seen to step back, by how much was not known; the value stands at
    #: its receipt.
    CLOCK_AHEAD = 512
    #: Entered by a person, not by a sensor.
    MANUAL = 1024
    #: The sensor tried and got nothing; the value is NaN.
    NO_VALUE = 2048
    #: The device's clock was wrong by a known amount; the measured time is corrected by it, the device time is as sent.
    CLOCK_CORRECTED = 4096
    #: One of several values that came again and again with fresh times: a gateway repeats what it read long ago.
    REPEATED = 8192
    #: The wearer can hardly have this value: somebody else may have used the device, and a person is asked whose it is.
    WHOSE_UNKNOWN = 16384


DEVICE_BITS = 0x7F

#: A value with any of these bits is never compared with a limit and never scored: it is not a measurement of the patient.
#: LOW_PERFUSION, EARLY_ESTIMATE and CLOCK_AHEAD lower confidence but do not gate (shock itself lowers perfusion).
#: GATEWAY_TIME does neither: such a cuff or thermometer mostly sends at once.
#: REPEATED gates: a stale value that looks live is silence, and must become the technical alert that silence is.
#: WHOSE_UNKNOWN gates for good: an answer enters the value once more, for whom it names.
GATED = int(
    Quality.MOTION
    | Quality.CONTACT_LOST
    | Quality.QUESTIONABLE
    | Quality.TEST
    | Quality.IMPLAUSIBLE
    | Quality.NO_VALUE
    | Quality.REPEATED
    | Quality.WHOSE_UNKNOWN
)

#: A device clock may be this much ahead before its value is moved to the time of receipt (design section 5).
AHEAD_ALLOWED = 5 * SECOND
#: Further ahead the clock is plainly wrong and the time says nothing: the value is refused.
AHEAD_REFUSED = DAY
#: A device clock that says less was never set: the value is refused.
OLDEST = from_iso("2015-01-01T00:00:00Z")
