"""A policy as a TOML document: every reason to refuse it, all of them at once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.alerts import Priority
from vigil.domain.errors import PolicyError
from vigil.domain.policy import DEFAULT_POLICY, MAX_DELAY_S, Policy, values_of, with_values
from vigil.domain.policy_file import decode, parse_policy, read

DETECTORS = frozenset({"flat", "drift", "trend", "risk"})
LIMIT = '[[limit]]\nvital = "spo2"\nside = "low"\n'
NIGHT = '[[schedule]]\nfrom = "22:00"\nto = "07:00"\n'
NIGHT_LIMIT = '[[schedule.limit]]\nvital = "spo2"\nside = "low"\n'

WITHOUT_FLAT = {name: each for name, each in DEFAULT_POLICY.findings.items() if name != "flat"}


def parsed(text: str) -> Policy:
    return parse_policy(text, "file.toml", DETECTORS)


def reasons(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parsed(text)
    return caught.value.reasons


def test_an_empty_document_is_the_starting_policy() -> None:
    assert parsed("") == DEFAULT_POLICY
    assert parsed("# nothing\n").version == DEFAULT_POLICY.version


def test_what_is_named_differs_and_the_rest_stays() -> None:
    found = parsed("news2 = false\nclear_delay_s = 30\n" + LIMIT + 'limit = 88\npriority = "high"\n')
    assert (found.news2, found.clear_delay_s) == (False, 30.0)
    assert isinstance(found.clear_delay_s, float)
    rule = found.limit("spo2", "low")
    assert rule is not None
    assert (rule.limit, rule.priority, rule.severe, rule.set_by) == (88, Priority.HIGH, 80, "file.toml")
    assert [each.set_by for each in found.limits].count("file.toml") == 1
    assert found.continuous_staleness_s == DEFAULT_POLICY.continuous_staleness_s
    assert found.findings == DEFAULT_POLICY.findings


def test_a_limit_may_be_added_or_switched_off() -> None:
    found = parsed('[[limit]]\nvital = "glucose_mgdl"\nside = "high"\nlimit = 300\n' + LIMIT + "enabled = false\n")
    added, off = found.limit("glucose_mgdl", "high"), found.limit("spo2", "low")
    assert added is not None
    assert off is not None
    assert (added.limit, off.enabled) == (300, False)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('flat = "off"', {"flat": None}),
        ('drift = "high"', {"drift": Priority.HIGH}),
        (
            'flat = "medium"\ntrend = "low"',
            {"flat": Priority.MEDIUM, **dict.fromkeys(("trend", "trend.body_temp.high"), Priority.LOW)},
        ),
        ('drift = "off"', {"drift": None}),
        ('risk.sepsis-home = "low"', {"risk.sepsis-home": Priority.LOW}),
        ('"risk.own-2" = "high"', {"risk.own-2": Priority.HIGH}),
    ],
)
def test_findings_on_and_off(table: str, expected: dict[str, Priority | None]) -> None:
    found = parsed("[findings]\n" + table).findings
    wanted = {**DEFAULT_POLICY.findings, **expected}
    assert found == {name: priority for name, priority in wanted.items() if priority is not None}
    assert "flat" in DEFAULT_POLICY.findings


def test_a_finding_of_one_vital_or_side() -> None:
    found = parsed(
        '[findings]\ndrift.spo2 = "low"\ndrift.heart_rate.high = "high"\n[findings.trend]\nresp_rate = "off"'
    )
    assert [found.finding(rule) for rule in ("drift.spo2.low", "drift.heart_rate.high", "drift.heart_rate.low")] == [
        Priority.LOW, Priority.HIGH, None,
    ]  # fmt: skip
    but_one = parsed('[findings]\ntrend = "low"\n"trend.spo2" = "off"')
    assert [but_one.finding(rule) for rule in ("trend.spo2.low", "trend.resp_rate.low")] == [None, Priority.LOW]
    assert with_values(but_one, values_of(but_one)) == but_one


def test_rules_are_switched_off_by_name_where_they_stand() -> None:
    found = parsed('off = ["news2", "limit.spo2.low", "limit.bp_sys.high", "flat"]\n' + LIMIT + "limit = 88\n")
    assert (found.news2, found.findings) == (False, WITHOUT_FLAT)
    assert {rule.rule for rule in found.limits if not rule.enabled} == {"limit.spo2.low", "limit.bp_sys.high"}
    assert found.limits[0].limit == 88


def test_the_severe_limit_can_be_taken_away() -> None:
    assert parsed(LIMIT + 'severe = "none"').limits[0].severe is None
    assert read({"limit": [{"vital": "spo2", "side": "low", "severe": None}]}, DETECTORS).content == {
        "limit": [{"vital": "spo2", "side": "low", "severe": None}]
    }


def test_the_content_is_the_same_whatever_way_it_was_written() -> None:
    text = (
        'off = ["news2"]\nclear_delay_s = 30\nreason = " why "\nsigned_off_by = "Dr Wang"\n'
        + NIGHT
        + NIGHT_LIMIT
        + "limit = 86"
    )
    written = read(decode(text), DETECTORS)
    assert written.problems == []
    assert (written.reason, written.signed_off_by) == ("why", "Dr Wang")
    assert written.content == {
        "news2": False,
        "clear_delay_s": 30.0,
        "schedule": [
            {
                "from": "22:00",
                "to": "07:00",
                "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                "limit": [{"vital": "spo2", "side": "low", "limit": 86}],
            }
        ],
    }
    assert read(json.loads(json.dumps(written.content)), DETECTORS).content == written.content


REFUSED = [
    ("limits = 1", "unknown key limits"),
    ("clear_delay_s = -1", "clear_delay_s must be a number from 0 to 7200"),
    ("clear_delay_s = 7201", "clear_delay_s must be a number"),
    ("clear_delay_s = nan", "clear_delay_s must be a number"),
    ('continuous_staleness_s = "5"', "continuous_staleness_s must be a number"),
    ("continuous_staleness_s = true", "continuous_staleness_s must be a number"),
    ('news2 = "yes"', "news2 must be true or false"),
    ("news2 = 1", "news2 must be true or false"),
    ('[findings]\nnonsense = "low"', "no detector is called nonsense"),
    ('[findings]\nrisk = "low"', "no detector is called risk"),
    ('[findings]\nrisk.Sepsis = "low"', "no detector is called risk.Sepsis"),
    ('[findings]\nrisk.sepsis-home.high = "low"', "no detector is called risk.sepsis-home.high"),
    ('[findings]\nflat = "urgent"', "flat must be high, medium, low or off"),
    ("[findings]\nflat = false", "flat must be high, medium, low or off"),
    ("[findings]\nflat = []", "flat must be high, medium, low or off"),
    ("findings = 1", "findings must be a table"),
    ("[limit]\nvital = 'spo2'", "limit must be written as [[limit]]"),
    ("limit = [1]", "limit must be written as [[limit]]"),
    ("[[limit]]\nvital = 'spo2'", "unknown or missing fields: side"),
    (LIMIT + "colour = 1", "colour"),
    (LIMIT + 'set_by = "me"', "set_by"),
    ('[[limit]]\nvital = "glucose_mgdl"\nside = "high"', "has no limit yet"),
    ('[[limit]]\nvital = "nonsense"\nside = "low"\nlimit = 1', "no vital sign has this name"),
    ("[[limit]]\nvital = 5\nside = 'low'\nlimit = 1", "limit: vital must be a text"),
    ('[[limit]]\nvital = "spo2"\nside = "left"\nlimit = 1', "side must be low or high"),
    (LIMIT + "limit = 300", "outside"),
    (LIMIT + "limit = nan", "limit: limit must be a number"),
    (LIMIT + 'limit = "88"', "limit: limit must be a number"),
    (LIMIT + "limit = true", "limit: limit must be a number"),
    (LIMIT + "delay_s = -1", "delay"),
    (LIMIT + "delay_s = []", "limit: delay_s must be a number"),
    (LIMIT + "hysteresis = 99", "hysteresis"),
    (LIMIT + "severe = 95", "must lie beyond"),
    (LIMIT + 'severe = "x"', "limit: severe must be a number"),
    (LIMIT + 'priority = "urgent"', "limit: priority must be high, medium or low"),
    (LIMIT + "severe_priority = 1", "limit: severe_priority must be high, medium or low"),
    (LIMIT + 'enabled = "no"', "limit: enabled must be true or false"),
    ("[[limit]]\nvital='heart_rate'\nside='low'\nlimit=140\nsevere=30", "is not below the high limit"),
    (LIMIT + "limit = 88\n" + LIMIT + "limit = 87", "limit: spo2 low is given twice"),
    (LIMIT + f"limit = 1{'0' * 400}", "limit: limit must be a number"),
    (LIMIT + f"delay_s = {MAX_DELAY_S + 1}", f"s (programme) is outside 0 to {MAX_DELAY_S:g} s"),
    ('[findings]\nflat.nonsense = "low"', "no detector is called flat.nonsense"),
    ('[findings]\nflat.spo2.left = "low"', "no detector is called flat.spo2.left"),
    ('[findings]\nflat.spo2.low.low = "low"', "no detector is called flat.spo2.low.low"),
    ("[findings]\nflat.spo2 = 1", "flat.spo2 must be high, medium, low or off"),
    ("[findings.flat]", "flat must be high, medium, low or off"),
    ("[escalate_s]\nhigh = 901", "escalate_s: high must be a number from 10 to 900"),
    ("[realarm_s]\nmedium = true", "realarm_s: medium must be a number"),
    ("[realarm_s]\nurgent = 60", "realarm_s: unknown key urgent"),
    ("[news2_delay_s]\nhigh = -1", "news2_delay_s: high must be a number from 0 to 600"),
    ("news2_clear_delay_s = 3601", "news2_clear_delay_s must be a number from 0 to 3600"),
    ("interruptions_per_nurse_hour = 61", "interruptions_per_nurse_hour must be a number from 0 to 60"),
    ("[interval_s]\nnonsense = 60", "interval_s: unknown key nonsense"),
    ("[interval_s]\nbody_temp = 0", "interval_s: body_temp must be a number from 1 to 604800"),
    ('off = "news2"', "off must be a list of rules"),
    ("off = [1]", "off must be a list of rules"),
    ('off = ["no_data.w-1"]', "off: no rule that can be switched off is called no_data.w-1"),
    ('off = ["limit.spo2"]', "off: no rule that can be switched off is called limit.spo2"),
    ("reason = 1", "reason must be a text of at most 500 letters"),
    (f'signed_off_by = "{201 * "x"}"', "signed_off_by must be a text of at most 200 letters"),
    ('timezone = "Europe/Nowhere"', "timezone must be a name of the IANA data base"),
    ("timezone = 1", "timezone must be a text"),
    ("schedule = 1", "schedule must be written as [[schedule]]"),
    (NIGHT, "schedule 1: must change a limit"),
    (NIGHT + "colour = 1\n" + NIGHT_LIMIT, "schedule 1: unknown key colour"),
    (NIGHT + 'days = ["monday"]\n' + NIGHT_LIMIT, "schedule 1: days must be some of mon, tue"),
    (NIGHT + "days = []\n" + NIGHT_LIMIT, "schedule 1: days must be some of mon, tue"),
    (NIGHT + "limit = 1", "schedule 1: limit must be written as [[schedule.limit]]"),
    (NIGHT + NIGHT_LIMIT + "limit = true", "schedule 1: limit: limit must be a number"),
    (NIGHT.replace("22:00", "24:00") + NIGHT_LIMIT, "schedule 1: from and to must be times of day like 22:00"),
    (NIGHT.replace('"22:00"', "22:00:00") + NIGHT_LIMIT, "schedule 1: from and to must be times of day like 22:00"),
    (NIGHT.replace("22:00", "07:00") + NIGHT_LIMIT, "schedule 1: from and to must differ"),
    ('[[schedule]]\nfrom = "22:00"\n' + NIGHT_LIMIT, "schedule 1: from and to must be times"),
    (NIGHT + NIGHT_LIMIT + "limit = 88", "schedule: a back-test cannot follow times of day"),
    ("= 1", "not a TOML document"),
    ("news2 = true\nnews2 = false", "not a TOML document"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_refused(text: str, reason: str) -> None:
    assert [each for each in reasons(text) if reason in each], reasons(text)


def test_all_reasons_are_given_at_once() -> None:
    text = (
        'unknown = 1\nclear_delay_s = -1\nnews2 = 3\n[findings]\nnonsense = "low"\nflat = "loud"\n'
        + LIMIT
        + 'limit = "x"\npriority = "urgent"\n'
        + '[[limit]]\nvital = "heart_rate"\nside = "low"\nlimit = 900\n'
    )
    found = reasons(text)
    wanted = ("unknown key", "clear_delay_s", "news2", "nonsense", "flat", "limit: limit", "limit: priority", "900")
    assert [word for word in wanted if not any(word in reason for reason in found)] == []
    assert len(found) == len(set(found)) == len(wanted) + 1  # 900 also stands above the high limit


value = st.one_of(
    st.booleans(), st.integers(-5, 400), st.floats(), st.sampled_from(["'low'", "'off'", "'x'", "[]", "{}", "'spo2'"])
)
key = st.sampled_from(
    [
        "news2",
        "clear_delay_s",
        "continuous_staleness_s",
        "findings",
        "limit",
        "vital",
        "side",
        "severe",
        "priority",
        "off",
        "schedule",
        "escalate_s",
        "interval_s",
        "timezone",
        "reason",
        "programme",
    ]
)


def _toml(given_value: object) -> str:
    return str(given_value).lower() if isinstance(given_value, bool) else str(given_value)


@given(top=st.dictionaries(key, value, max_size=3), of_limit=st.dictionaries(key, value, max_size=5))
def test_whatever_the_document_says_it_is_a_policy_or_our_error(
    top: dict[str, object], of_limit: dict[str, object]
) -> None:
    top.pop("limit", None)
    lines = [f"{name} = {_toml(each)}" for name, each in top.items()]
    lines += ["[[limit]]", *(f"{name} = {_toml(each)}" for name, each in of_limit.items())]
    refused = ["not refused"]
    try:
        parsed("\n".join(lines))
    except PolicyError as error:
        refused = error.reasons
    assert all(refused)
    assert refused
