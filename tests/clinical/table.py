"""Prints what is noticed of each scenario and each fault: ``python -m tests.clinical.table``; some minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.clinical.bed import FAULTS, PLANS, Found, OnTop, Outcome, burden, harmed, on_top, on_well, outcome
from tests.clinical.test_faults import ON_TOP, WELL
from tests.clinical.test_scenarios import ACUTE, HARMLESS, SLOW
from vigil.domain.times import MINUTE

#: Seeds of scenarios for which no number is asserted.
_OTHERS = 6


def scenario_table() -> Table:
    """Delays and leads are medians over the seeds that have one, minutes; "by chance" are notices of the twins."""
    table = Table(title="Deteriorations, beside the same people well (minutes)")
    for heading in (
        *("scenario", "seeds", "critical after", "first finding", "first alert", "in time", "before critical", "lead"),
        *("by chance", "personal episodes: new, ill, well", "detectors"),
    ):
        table.add_column(heading)
    for scenario in PLANS:
        count = {**ACUTE, **SLOW}.get(scenario, (_OTHERS, 0))[0]
        table.add_row(scenario, *_scenario_row([outcome(scenario, seed) for seed in harmed(scenario, count)]))
    return table


def _scenario_row(found: list[Outcome]) -> Iterable[str]:
    calls = [(each.onset, each.call) for each in found if each.call is not None]
    leads = [(each.critical_at - each.call.at) / MINUTE for each in found if each.call is not None]
    detectors = Counter(name for each in found for name in each.detectors)
    yield str(len(found))
    yield f"{median((each.critical_at - each.onset) / MINUTE for each in found):.0f}"
    yield _first([(each.onset, each.finding) for each in found if each.finding is not None])
    yield _first(calls)
    yield f"{len(calls)}/{len(found)}"
    yield f"{sum(lead >= 0 for lead in leads)}/{len(found)}"
    yield f"{median(leads):.0f}" if leads else "-"
    yield str(sum(each.by_chance for each in found))
    yield ", ".join(
        str(sum(column)) for column in zip(*((each.new, each.ill, each.well) for each in found), strict=True)
    )
    yield ", ".join(name for name, _ in detectors.most_common())


def _first(found: list[tuple[int, Found]]) -> str:
    """The rule that is first most often, with its priority, and the median delay of all."""
    if not found:
        return "-"
    names = Counter(f"{each.rule} {each.priority or 'calls nobody'}" for _, each in found)
    return f"{names.most_common(1)[0][0]}, {median((each.at - onset) / MINUTE for onset, each in found):.1f}"


def harmless_table() -> Table:
    table = Table(title="Harmless days, a day")
    for heading in ("scenario", "seeds", "alerts opened", "calls, medium or above", "high physiological calls"):
        table.add_column(heading)
    for scenario, (hours, step_s, start, _) in HARMLESS.items():
        costs = [burden(scenario, seed, hours, step_s, start) for seed in (1, 2, 3, 4)]
        days = sum(each.hours for each in costs) / 24
        opened = sum((each.opened for each in costs), Counter[str]())
        table.add_row(
            scenario,
            str(len(costs)),
            ", ".join(f"{name} {number / days:.1f}" for name, number in sorted(opened.items())),
            f"{sum(each.calls for each in costs) / days:.1f}",
            f"{sum(each.high for each in costs) / days:.1f}",
        )
    return table


def fault_table() -> Table:
    table = Table(title="Device faults: on the well, and on top of what they might hide (minutes after the onset)")
    for heading in ("fault", "on the well: technical alert", "high physiological", *(f"{a} {b}" for a, b in ON_TOP)):
        table.add_column(heading)
    for fault in FAULTS:
        effects = [on_well(fault, seed) for seed in WELL]
        told = {f"{each.technical.rule} {each.technical.priority}" for each in effects if each.technical is not None}
        table.add_row(
            fault,
            ", ".join(sorted(told)) or "none",
            str(sum(len(each.high) for each in effects)),
            *(_on_top(on_top(scenario, seed, fault)) for scenario, seed in ON_TOP),
        )
    return table


def _on_top(found: OnTop) -> str:
    if found.caught is not None:
        return f"caught: {_when(found, found.caught)}"
    return "HIDDEN" if found.told is None else f"not watched: {_when(found, found.told)}"


def _when(found: OnTop, what: Found) -> str:
    return f"{what.rule} {what.priority} {(what.at - found.onset) / MINUTE:.0f}"


if __name__ == "__main__":
    console = Console()
    for make in (scenario_table, harmless_table, fault_table):
        console.print(make())
