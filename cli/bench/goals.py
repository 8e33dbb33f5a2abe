"""What a run of ``vigil bench engine`` found, beside what it is to reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cli.bench.contest import Contest
from cli.bench.recorded import Backtest
from cli.bench.single import NEWS2_PATIENTS
from cli.bench.streams import Readings

#: The goals (design, "What it must reach"; for the million and for memory the issue of this command).
FEW_STREAMS, MANY_STREAMS = 10_000, 1_000_000
LEAST_BATCH = 1_000
FEW_TIMES, MANY_TIMES = 40.0, 8.0
MOST_BYTES = 256
NEWS2_S = 1e-3
BACKTEST_READINGS, BACKTEST_S, BACKTEST_WORKERS = 216_000_000, 60.0, 2

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Figures:
    """``one_thread``, ``two_threads``: readings a second; ``copy``: bytes a second; ``news2_s``: seconds, ``news2_complete``: how
    many patients had all inputs."""

    contests: list[Contest]
    one_thread: float
    two_threads: float
    copy: float
    news2_s: float
    news2_complete: int
    backtest: Backtest


@dataclass(frozen=True, slots=True)
class Goal:
    """``reached`` is None where this run cannot tell."""

    what: str
    goal: str
    found: str
    reached: bool | None


def goals(figures: Figures) -> list[Goal]:
    contests = figures.contests
    bytes_a_stream = max(each.bytes_a_stream for each in contests)
    return [
        _against_river("up to 10,000 streams", FEW_TIMES, contests, lambda streams: streams <= FEW_STREAMS),
        _against_river("1,000,000 streams in random order", MANY_TIMES, contests, lambda n: n >= MANY_STREAMS),
        Goal(
            "memory a stream, without windows",
            f"≤ {MOST_BYTES} B",
            f"{bytes_a_stream} B",
            bytes_a_stream <= MOST_BYTES,
        ),
        Goal(
            f"NEWS2 of {NEWS2_PATIENTS:,} patients",
            f"< {NEWS2_S * 1e3:g} ms",
            f"{figures.news2_s * 1e3:.2f} ms",
            figures.news2_s < NEWS2_S,
        ),
        _of_backtest(figures.backtest),
    ]


def facts(figures: Figures) -> list[tuple[str, str]]:
    """Figures without a goal of their own: name and value."""
    ours, shown = figures.contests, figures.backtest
    shares = " / ".join(f"{_best(each) * Readings.WIDTH / figures.copy:.1%}" for each in ours)
    readings = sum(each.tally.readings for each in ours)
    scores = sum(each.tally.scores for each in ours)
    found = [
        ("one thread", f"{_millions(figures.one_thread)} readings/s"),
        (
            "two threads, disjoint halves of the streams",
            f"{_millions(figures.two_threads)} readings/s, {figures.two_threads / figures.one_thread:.2f}×",
        ),
        ("memory copied by numpy", f"{figures.copy / 1e9:.1f} GB/s"),
        ("share of that, largest batch, by streams", shares),
        ("detector scores that are a judgement", f"{sum(each.tally.judged for each in ours) / scores:.0%}"),
        ("readings odd to a detector", f"{sum(each.tally.odd for each in ours) / readings:.1%}"),
        ("back-test", f"{_millions(shown.rate)} readings/s, processes: {shown.workers}"),
        ("physiological alerts in it, a patient-day", f"{shown.alerts_a_patient_day:.2f}"),
    ]
    peers = [each for each in ours if each.river]
    if peers:
        found.append(("memory a stream of river, as river counts", f"{peers[-1].river_bytes_a_stream:,} B"))
        found.append(("readings that river got, by streams", " / ".join(f"{each.river_readings:,}" for each in peers)))
    return found


def _against_river(where: str, least: float, contests: Iterable[Contest], counts: Callable[[int], bool]) -> Goal:
    """The worst of the cells with a batch of ``LEAST_BATCH`` at least."""
    goal = f"≥ {least:g}× river"
    ratios = [
        ratio
        for each in contests
        for batch in each.ours
        if counts(each.streams) and batch >= LEAST_BATCH and (ratio := each.ratio(batch)) is not None
    ]
    if not ratios:
        return Goal(where, goal, NOT_MEASURED, None)
    return Goal(where, goal, f"{min(ratios):.1f}× (worst batch from {LEAST_BATCH:,})", min(ratios) >= least)


def _of_backtest(found: Backtest) -> Goal:
    """Part of the goal's readings say nothing for certain about all of them."""
    goal = f"{BACKTEST_READINGS / 1e6:.0f} M readings < {BACKTEST_S:.0f} s on {BACKTEST_WORKERS} cores"
    text = f"{found.readings / 1e6:.2f} M in {found.seconds:.1f} s"
    if found.readings >= BACKTEST_READINGS:
        reached = found.seconds < BACKTEST_S if found.workers <= BACKTEST_WORKERS else None
        return Goal("back-test from Parquet", goal, text, reached)
    text += f"; at this rate {BACKTEST_READINGS / 1e6:.0f} M take {BACKTEST_READINGS / found.rate:.0f} s"
    return Goal("back-test from Parquet", goal, text, None)


def _best(found: Contest) -> float:
    """Median rate of the largest batch."""
    return found.rate(max(found.ours))


def _millions(rate: float) -> str:
    return f"{rate / 1e6:.2f} M"
