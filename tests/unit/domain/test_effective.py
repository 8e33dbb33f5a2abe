"""What holds for somebody under the documents of the programme, the ward and the patient, value by value and hour by hour."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain import policy_file
from vigil.domain.alerts import Priority
from vigil.domain.effective import PolicyDocument, Scope, chain, document_problems, effective, held_since, merged
from vigil.domain.policy import (
    DEFAULT_POLICY,
    STARTING_VALUE,
    LimitRule,
    Policy,
    in_force,
    values_of,
    with_limits,
    with_values,
)
from vigil.domain.policy_file import read
from vigil.domain.schedules import held_at
from vigil.domain.times import HOUR, from_iso

DETECTORS = frozenset({"flat", "drift", "rate"})
NOON, NIGHT = from_iso("2026-01-02T12:00:00Z"), from_iso("2026-01-02T23:00:00Z")

WITHOUT_FLAT = {name: each for name, each in DEFAULT_POLICY.findings.items() if name != "flat"}


def limit(value: float | None = None, vital: str = "spo2", side: str = "low", **rest: Any) -> dict[str, Any]:
    return {"vital": vital, "side": side, **({} if value is None else {"limit": value}), **rest}


def at_night(*limits: dict[str, Any], start: str = "22:00", end: str = "07:00") -> dict[str, Any]:
    return {"from": start, "to": end, "limit": list(limits)}


def document(scope: Scope, name: str = "", **written: Any) -> PolicyDocument:
    found = read(written, DETECTORS)
    assert found.problems == []
    return PolicyDocument(scope, name, found.content, f"author of {scope.value}", number=1)


def programme(**written: Any) -> PolicyDocument:
    return document(Scope.PROGRAMME, **written)


def ward(**written: Any) -> PolicyDocument:
    return document(Scope.WARD, "north", **written)


def patient(**written: Any) -> PolicyDocument:
    return document(Scope.PATIENT, "p-1", **written)


def spo2_low(policy: Policy) -> LimitRule:
    rule = policy.limit("spo2", "low")
    assert rule is not None
    return rule


def test_without_documents_the_starting_policy_itself_holds() -> None:
    assert effective(DEFAULT_POLICY, (), NOON) == DEFAULT_POLICY
    assert with_values(DEFAULT_POLICY, values_of(DEFAULT_POLICY)) == DEFAULT_POLICY


def test_every_field_of_a_policy_can_be_said_in_a_document() -> None:
    said = {"limits": "limit", "schedules": "schedule"}
    assert {said.get(each.name, each.name) for each in fields(Policy)} <= set(policy_file._KEYS)
    assert {each.name for each in fields(LimitRule)} - {"set_by"} == set(policy_file._FIELDS)


def test_the_starting_policy_written_down_is_a_document_without_a_mistake() -> None:
    """So its numbers lie inside the bounds that hold for documents."""
    written: dict[str, Any] = {"limit": [], "timezone": "UTC"}
    for rule in DEFAULT_POLICY.limits:
        said = {each.name: getattr(rule, each.name) for each in fields(LimitRule) if each.name != "set_by"}
        written["limit"].append(said)
    for each in fields(Policy):
        value = getattr(DEFAULT_POLICY, each.name)
        if each.name not in ("limits", "schedules") and value is not None:
            written[each.name] = value
    names = frozenset(name.split(".")[0] for name in DEFAULT_POLICY.findings)
    found = read(written, names)
    assert found.problems == []
    held = (PolicyDocument(Scope.PROGRAMME, "", found.content, STARTING_VALUE),)
    assert effective(DEFAULT_POLICY, held, NOON).version == DEFAULT_POLICY.version
    assert document_problems(DEFAULT_POLICY, held) == []


def test_the_narrower_document_wins_value_by_value() -> None:
    held = (
        programme(clear_delay_s=90, limit=[limit(92, delay_s=20, priority="low")], findings={"flat": "low"}),
        ward(limit=[limit(91)], findings={"flat": "off", "drift": "high"}, off=["news2"]),
        patient(limit=[limit(88, severe="none")], interval_s={"body_temp": 14_400}),
    )
    found = effective(DEFAULT_POLICY, held, NOON)
    rule = spo2_low(found)
    assert (rule.limit, rule.delay_s, rule.priority, rule.severe) == (88, 20, Priority.LOW, None)
    assert rule.set_by == "author of patient"
    assert (found.clear_delay_s, found.news2, found.findings) == (
        90.0, False, {**WITHOUT_FLAT, "drift": Priority.HIGH},
    )  # fmt: skip
    assert found.interval_s == {"body_temp": 14_400.0}


def test_a_finding_named_as_a_whole_counts_for_the_parts_that_wider_documents_name() -> None:
    """Who switches jumps of the heart rate off means rises too, although the starting policy names those alone."""
    assert DEFAULT_POLICY.finding("rate.heart_rate.high") is Priority.MEDIUM
    off = ward(findings={"rate.heart_rate": "off"})
    whole = merged(DEFAULT_POLICY, (off,))
    assert whole.policy.finding("rate.heart_rate.high") is None
    assert whole.sources(NOON)["findings.rate.heart_rate.high"].document is off
    assert whole.policy.finding("rate.glucose_mgdl") is Priority.MEDIUM
    all_off = (ward(findings={"rate.heart_rate.low": "high"}), patient(off=["rate"]))
    found = merged(DEFAULT_POLICY, all_off).policy
    assert [found.finding(f"rate.{each}") for each in ("heart_rate.low", "heart_rate.high", "glucose_mgdl")] == [
        None
    ] * 3
    kept = merged(DEFAULT_POLICY, (ward(findings={"rate": "off", "rate.heart_rate.high": "low"}),)).policy
    assert (kept.finding("rate.heart_rate.high"), kept.finding("rate.glucose_mgdl")) == (Priority.LOW, None)


def test_each_value_says_where_it_comes_from() -> None:
    held = (
        programme(limit=[limit(92, delay_s=20)]),
        ward(schedule=[at_night(limit(priority="low"))]),
        patient(news2=True),
    )
    whole = merged(DEFAULT_POLICY, held)
    day, night = whole.sources(NOON), whole.sources(NIGHT)
    assert day["limit.spo2.low.limit"].document is held[0]
    assert day["limit.spo2.low.hysteresis"].document is None
    assert day["news2"].document is held[2]
    assert day["limit.spo2.low.priority"].document is None
    assert (night["limit.spo2.low.priority"].document, night["limit.spo2.low.priority"].schedule) == (
        held[1], "22:00 to 07:00",
    )  # fmt: skip
    assert night["limit.spo2.low.limit"].document is held[0]
    assert set(day) == set(values_of(effective(DEFAULT_POLICY, held, NOON)))


def test_a_schedule_holds_at_its_times_in_the_programmes_zone() -> None:
    held = (programme(timezone="Europe/Berlin", schedule=[at_night(limit(86, priority="low"))]),)
    said = [
        (rule.limit, rule.priority.value)
        for rule in (
            spo2_low(effective(DEFAULT_POLICY, held, from_iso(at)))
            for at in ("2026-01-02T20:59:00Z", "2026-01-02T21:00:00Z", "2026-01-03T06:00:00Z")
        )
    ]
    assert said == [(90, "medium"), (86, "low"), (90, "medium")]


def test_a_patients_own_limit_also_holds_while_the_programme_has_another_for_nights() -> None:
    held = (programme(schedule=[at_night(limit(86, priority="low"))]), patient(limit=[limit(92)]))
    night = spo2_low(effective(DEFAULT_POLICY, held, NIGHT))
    assert (night.limit, night.priority) == (92, Priority.LOW)


def test_the_version_names_what_holds_now() -> None:
    whole = merged(DEFAULT_POLICY, (programme(schedule=[at_night(limit(86))]),)).policy
    day, night = in_force(whole, NOON), in_force(whole, NIGHT)
    assert day.version == in_force(whole, NOON + 24 * HOUR).version == DEFAULT_POLICY.version
    assert night.version != day.version
    assert night == replace(with_limits(DEFAULT_POLICY, [limit(86)], "author of programme"), schedules=())
    plain = merged(DEFAULT_POLICY, (ward(limit=[limit(86)]),)).policy
    assert in_force(plain, NOON) is plain


def test_who_takes_part_in_which_programme() -> None:
    every, copd, hf = programme(news2=True), document(Scope.PROGRAMME, "copd"), document(Scope.PROGRAMME, "hf")
    of_ward, of_patient = ward(programme="copd"), patient(programme="hf")
    known = {each.key: each for each in (every, copd, hf, of_ward)}
    assert chain(known, "north", "p-1") == [every, copd, of_ward]
    assert chain(known, "south", "p-1") == [every]
    known[of_patient.key] = of_patient
    assert chain(known, "north", "p-1") == [every, hf, of_ward, of_patient]
    assert chain(known, "north") == [every, copd, of_ward]
    assert chain({of_ward.key: of_ward}, "north") == [of_ward]


HR = {"vital": "heart_rate"}
REFUSED = [
    (
        (ward(limit=[limit(100, **HR)]), patient(limit=[limit(95, side="high", **HR)])),
        "heart_rate: the low limit 100 (ward north) is not below the high limit 95 (the patient's own)",
    ),
    (
        (patient(limit=[limit(78)]),),
        "spo2 low: severe limit 80 (starting value) must lie beyond the limit 78 (the patient's own)",
    ),
    (
        (programme(schedule=[at_night(limit(140, **HR))]),),
        "mon 22:00: heart_rate: the low limit 140 (programme) is not below the high limit 130 (starting value)",
    ),
    (
        (programme(schedule=[at_night(limit(120, side="high", **HR))]), ward(limit=[limit(125, **HR)])),
        "mon 22:00: heart_rate: the low limit 125 (ward north) is not below the high limit 120 (programme)",
    ),
    ((ward(limit=[limit(vital="glucose_mgdl", side="high", hysteresis=5)]),), "limit.glucose_mgdl.high: has no limit yet"),
    (
        (ward(schedule=[at_night(limit(vital="glucose_mgdl", side="high", delay_s=5))]),),
        "limit.glucose_mgdl.high: has no limit yet",
    ),
    ((ward(timezone="Europe/Berlin"),), "ward north: timezone can be set for everybody only"),
    ((document(Scope.PROGRAMME, "copd", timezone="UTC"),), "programme copd: timezone can be set for everybody only"),
    ((programme(programme="copd"),), "programme: only a ward or a patient takes part"),
    ((programme(limit=[limit(delay_s=9999)]),), "spo2 low: delay 9999 s (programme) is outside 0 to"),
]  # fmt: skip


@pytest.mark.parametrize(("held", "problem"), REFUSED, ids=[problem[:60] for _, problem in REFUSED])
def test_documents_that_cannot_hold_together_name_both(held: tuple[PolicyDocument, ...], problem: str) -> None:
    assert [each for each in document_problems(DEFAULT_POLICY, held) if problem in each]


def test_a_limit_without_a_number_hides_no_other_mistake() -> None:
    glucose = limit(vital="glucose_mgdl", side="high", hysteresis=5)
    held = (ward(limit=[limit(140, **HR), glucose], schedule=[at_night(limit(100.5))], timezone="UTC"),)
    found = document_problems(DEFAULT_POLICY, held)
    for word in (
        "timezone",
        "limit.glucose_mgdl.high: has no limit yet",
        "low limit 140",
        "mon 22:00: spo2 low: limit 100.5",
    ):
        assert [each for each in found if word in each], word
    assert len(found) == 4


def test_a_mistake_of_every_hour_is_said_once() -> None:
    held = (programme(limit=[limit(140, **HR)], schedule=[at_night(limit(86))]),)
    assert len(document_problems(DEFAULT_POLICY, held)) == 1


def test_crossing_limits_that_never_hold_together_are_no_mistake() -> None:
    night, day = (
        at_night(limit(60, **HR), limit(90, side="high", **HR)),
        at_night(limit(95, **HR), start="08:00", end="20:00"),
    )
    assert document_problems(DEFAULT_POLICY, (programme(schedule=[night, day]),)) == []


RULES = [("spo2", "low"), ("heart_rate", "high"), ("glucose_mgdl", "high")]
FIELDS = ["limit", "delay_s", "hysteresis"]


def _entry(rule: tuple[str, str], numbers: list[int], kept: int) -> dict[str, Any]:
    """Some fields of a limit; glucose has no high limit yet, so it needs one."""
    names = FIELDS if rule[0] == "glucose_mgdl" else FIELDS[-kept:]
    return {"vital": rule[0], "side": rule[1], **dict(zip(names, numbers, strict=False))}


entries = st.builds(
    _entry, st.sampled_from(RULES), st.lists(st.integers(1, 99), min_size=3, max_size=3), st.integers(1, 3)
)
limits = st.lists(entries, max_size=2, unique_by=lambda each: each["vital"])
some_limits = st.lists(entries, min_size=1, max_size=2, unique_by=lambda each: each["vital"])
spans = st.sampled_from([("22:00", "07:00"), ("06:00", "12:00"), ("00:00", "23:59")])
nights = st.lists(
    st.builds(lambda span, said: at_night(*said, start=span[0], end=span[1]), spans, some_limits), max_size=2
)
scopes = [Scope.PROGRAMME, Scope.WARD, Scope.PATIENT]


@given(st.lists(st.tuples(limits, nights), min_size=1, max_size=3), st.integers(0, 7 * 24 * 4))
def test_a_moment_is_each_document_with_its_schedules_in_turn(
    said: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]], quarter: int
) -> None:
    """The definition, carried out naively: first all a document says for that moment, then what the next narrower one says."""
    at = NOON + quarter * HOUR // 4
    held = [document(scopes[place], limit=base, schedule=more) for place, (base, more) in enumerate(said)]
    naive = DEFAULT_POLICY
    for each in held:
        alone = merged(DEFAULT_POLICY, (each,)).policy
        own = merged(DEFAULT_POLICY, (replace(each, content={**each.content, "schedule": []}),))
        naive = with_values(naive, {path: values_of(own.policy)[path] for path in own.origin})
        for schedule in held_at(alone.schedules, alone.timezone, at):
            naive = with_values(naive, schedule.values)
    found = effective(DEFAULT_POLICY, held, at)
    assert _without_names(found) == _without_names(naive)


def _without_names(policy: Policy) -> list[LimitRule]:
    return [replace(rule, set_by="") for rule in policy.limits]


def test_what_held_changes_with_each_version_and_each_hour_of_a_schedule() -> None:
    before = replace(ward(limit=[limit(92)]), at=NOON - HOUR)
    newer = replace(ward(limit=[limit(93)]), at=NOON + HOUR, number=2)
    own = replace(patient(limit=[limit(88)], schedule=[at_night(limit(86))]), at=NOON + 3 * HOUR)
    other = replace(document(Scope.WARD, "south", limit=[limit(70)]), at=NOON + 2 * HOUR)
    found = held_since(DEFAULT_POLICY, [own, newer, other, before], "north", "p-1", NOON - 2 * HOUR, NOON + 24 * HOUR)
    lows = [(at, in_force(whole.policy, at).limit("spo2", "low")) for at, whole in found]
    assert [((at - NOON) // HOUR, rule and rule.limit) for at, rule in lows] == [
        (-2, 90), (-1, 92), (1, 93), (2, 93), (3, 88), (10, 86), (19, 88),
    ]  # fmt: skip
