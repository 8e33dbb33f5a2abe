"""The example of the policy page is a document without a mistake; the page of the starting values is generated from the code:
``python -m tests.docs.test_policies`` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from analytics.finding_alerts import finding_names
from vigil.domain import policy_file
from vigil.domain.effective import PolicyDocument, Scope, document_problems, merged
from vigil.domain.policy import DEFAULT_POLICY, values_of
from vigil.domain.policy_file import decode, read
from vigil.domain.vitals import BY_NAME

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "policy.md"
HEAD = """# The starting policy

**Vigil starting values, not signed off: every number here needs clinical sign-off.** Where they come from stands in
`vigil/domain/policy.py`; `docs/policies.md` says how to change them. Generated from the code.

## Limits
Abnormal is below a low limit or above a high one, for longer than the delay; beyond the severe limit at once, at high priority.

| vital | side | limit | severe | unit | delay s | hysteresis | priority |
|---|---|---|---|---|---|---|---|
"""
VALUES = """
## Other values

| value | start | bounds in a document |
|---|---|---|
"""


def page() -> str:
    return HEAD + "".join(_limits()) + VALUES + "".join(_values())


def _limits() -> Iterator[str]:
    for rule in DEFAULT_POLICY.limits:
        unit = BY_NAME[rule.vital].display_unit
        severe = "–" if rule.severe is None else f"{rule.severe:g}"
        numbers = f"{rule.limit:g} | {severe} | {unit} | {rule.delay_s:g} | {rule.hysteresis:g}"
        yield f"| {rule.vital} | {rule.side} | {numbers} | {rule.priority.value} |\n"


def _values() -> Iterator[str]:
    bounds = dict(policy_file._NUMBERS)
    bounds |= {f"{table}.{name}": each for table, rows in policy_file._TABLES.items() for name, each in rows.items()}
    for path, value in values_of(DEFAULT_POLICY).items():
        if not path.startswith("limit."):
            said = f"{value:g}" if isinstance(value, float) else str(value)
            span = bounds.get(path)
            yield f"| `{path}` | {said} | {'' if span is None else f'{span[0]:g} to {span[1]:g}'} |\n"


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == page()


def test_the_example_is_a_document_without_a_mistake() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", (DOCS / "policies.md").read_text("utf-8"), re.DOTALL)
    written = read(decode(text), frozenset(finding_names()))
    held = (PolicyDocument(Scope.PROGRAMME, "", written.content, "doctor"),)
    assert written.problems + document_problems(DEFAULT_POLICY, held) == []
    assert (written.reason, written.signed_off_by) == ("night values are lower while asleep", "Dr Wang")
    whole = merged(DEFAULT_POLICY, held)
    assert set(whole.origin) >= {
        "timezone", "news2", "clear_delay_s", "limit.bp_sys.high.enabled", "findings.flat", "findings.rate.heart_rate.high",
        "escalate_s.high", "interval_s.body_temp", "limit.spo2.low.limit", "limit.spo2.low.severe",
        "limit.heart_rate.high.delay_s",
    }  # fmt: skip
    assert [each.words for each in whole.policy.schedules] == ["22:00 to 07:00 fri, sat"]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
