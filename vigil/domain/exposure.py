"""What a rate is divided by: the time for which patients were under watch, and for which nurses were on call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from vigil.domain.people import MANUAL_PREFIX, Binding
from vigil.domain.rota import stretches
from vigil.domain.teams import Team, team_of_ward


def watched_us(bindings: Iterable[Binding], since: int, until: int) -> dict[str, int]:
    """By patient: for how long in [since, until) he wore a device, microseconds; two at once count once. Whoever wore none is
    left out, and what a person types in is no watch."""
    worn: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in bindings:
        start, end = max(one.start, since), until if one.end is None else min(one.end, until)
        if start < end and not one.device_id.startswith(MANUAL_PREFIX):
            worn[one.patient_id].append((start, end))
    return {patient_id: _covered(times) for patient_id, times in worn.items()}


def nurse_us(teams: Iterable[Team], wards: Collection[str], since: int, until: int) -> int:
    """Time on call in [since, until), summed over the persons, microseconds: by the rotas as they hold now. A ward counts one
    nurse while nobody is on call, as the budget of interruptions does; somebody on call for two wards counts twice."""
    known = list(teams)
    return sum(_on_call_us(team_of_ward(known, ward), since, until) for ward in wards)


def _on_call_us(team: Team, since: int, until: int) -> int:
    if since >= until:
        return 0
    return sum((one.end - one.start) * max(1, len(one.persons)) for one in stretches(team.rota, since, until))


def _covered(times: list[tuple[int, int]]) -> int:
    total, reach = 0, 0
    for start, end in sorted(times):
        total += max(0, end - max(start, reach))
        reach = max(reach, end)
    return total
