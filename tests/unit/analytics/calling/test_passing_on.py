"""What a person has passed on, in the running stage: it escalates on, calls again in the end, and costs no budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analytics.calling.decide import decide
from tests.unit.analytics.calling.made import NOW, alert, ask
from tests.unit.analytics.calling.test_live import SUGAR, budget, command, hows, low_sugar, of, team, told, with_team
from tests.unit.analytics.calling.test_live import ward as ward
from tests.unit.analytics.ward import PATIENT, START, Ward
from vigil.domain.alerts import Condition, Handling, Step
from vigil.domain.calls import CALL, Call, How
from vigil.domain.lifecycle import Assign, CallNextLevel, Event, Stamp, apply
from vigil.domain.policy import BEDSIDE_POLICY
from vigil.domain.teams import Level
from vigil.domain.times import SECOND

CHAIN = (Level(("on_call",)), Level(("member:li",)), Level(("everyone",)))
LOW_SPO2 = "limit.spo2.low"


def at(second: float) -> Stamp:
    return Stamp(f"command:{second}", START + round(second * SECOND), "chen")


def assigned(ward: Ward, rule: str, second: float) -> None:
    known = of(ward, PATIENT, rule)
    command(ward, known, Assign(at(second), known.version, "li"))


@pytest.mark.parametrize("restart", [False, True])
def test_what_is_assigned_escalates_on_and_calls_again_when_nobody_accepts(ward: Ward, restart: bool) -> None:
    with_team(ward, team(chain=CHAIN))
    ward.run(0, [70])
    ward.acknowledge(LOW_SPO2, "chen")
    assigned(ward, LOW_SPO2, 10)
    if restart:
        ward.restarted().catch_up()
    for second in (11, 130, 250, 610):
        ward.tick(second)
    assert ward.steps(LOW_SPO2) == [
        "opened", "acknowledged", "handed_over", "escalated", "escalated", "data_lost", "realarmed", "escalated"
    ]  # fmt: skip
    last = of(ward, PATIENT, LOW_SPO2)
    assert (last.owner, last.accept_by, last.handling) == ("", None, Handling.UNACKNOWLEDGED)
    assert ("realarmed", ["chen", "li"]) in told(ward)


def test_after_a_person_has_called_the_next_level_the_one_above_it_comes_in_its_time(ward: Ward) -> None:
    with_team(ward, team(chain=CHAIN))
    ward.run(0, [70])
    known = of(ward, PATIENT, LOW_SPO2)
    command(ward, known, CallNextLevel(at(5), known.version))
    ward.tick(121)  # when it would have escalated without that
    assert of(ward, PATIENT, LOW_SPO2).escalation_level == 1
    ward.tick(125)
    assert told(ward)[-1] == ("escalated", ["chen", "li"])


@pytest.mark.parametrize("restart", [False, True])
def test_whom_a_person_calls_costs_no_budget(ward: Ward, restart: bool) -> None:
    budget(ward, 1)
    _record_call(ward)
    if restart:
        ward.restarted().catch_up()
    ward.tick(5)
    low_sugar(ward, 10)
    assert hows(ward, PATIENT, SUGAR) == [("opened", "now")]


def _record_call(ward: Ward) -> None:
    """An alert that called nobody by itself, and that a person has escalated."""
    listed = replace(alert("drift.spo2", "low"), patient_id=PATIENT, opened_at=START, updated_at=START)
    opened = replace(ask(listed).line, at=START)
    assert ward.records.record(opened) is not None
    event: Event = CallNextLevel(at(1), listed.version)
    line = apply(replace(listed, deadline_at=START + 900 * SECOND), event, BEDSIDE_POLICY)
    assert line is not None
    assert ward.records.record(replace(line, detail={CALL: Call(How.NOW).row()})) is not None


def test_an_assignment_of_what_is_over_ends_without_a_call() -> None:
    over = alert("limit.spo2.low", condition=Condition.FALSE, ended_at=NOW)
    assert decide(ask(over, step=Step.REALARMED)).how is How.LIST
    assert decide(ask(alert("limit.spo2.low"), step=Step.REALARMED)).how is How.NOW
