"""What is usual for a person: how long is looked back, and which spread is believed at least."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_S, WARM_UP_S = 48 * 3600.0, 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Spread:
    """``most_s``: the time in seconds that one reading can stand for; ``floor``: the least SD that is believed, in the vital's
    unit (reference page "Physiology", section 1: about the within-person SD at rest)."""

    most_s: float
    floor: float


SPREADS = {
    "heart_rate": Spread(60.0, 6.0),
    "resp_rate": Spread(60.0, 1.5),
    "spo2": Spread(60.0, 1.2),
    "bp_sys": Spread(1800.0, 7.0),
    "body_temp": Spread(1800.0, 0.25),
}
