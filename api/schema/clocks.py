"""What is known of a device's clock."""

from __future__ import annotations

from api.schema.base import Model, Moment, example


class ClockOut(Model):
    """``offset_s``: the device's clock less the true time, seconds; ``drift_ppm``: how much it gains, millionths of a second a
    second. None = not known. ``corrected``: new values are moved by it. ``least_lag_s``: the least time from measuring, by the
    device's clock, to receipt."""

    model_config = example(
        device_id="w-0a1b2c3d",
        state="corrected",
        corrected=True,
        offset_s=-3600.2,
        uncertainty_s=0.3,
        drift_ppm=50.1,
        drift_uncertainty_ppm=6.2,
        least_lag_s=3600.1,
        since_at="2026-01-01T08:00:00.000Z",
        packs=4210,
        samples=29,
        jumps=0,
        jumped_at=None,
        words="The clock is 1 h 0 min behind, give or take 0.3 s. New values are moved by that and marked.",
    )

    device_id: str
    state: str
    corrected: bool
    offset_s: float | None
    uncertainty_s: float | None
    drift_ppm: float | None
    drift_uncertainty_ppm: float | None
    least_lag_s: float | None
    since_at: Moment | None
    packs: int
    samples: int
    jumps: int
    jumped_at: Moment | None
    words: str
