"""The tables of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from analytics.lab.baseline import RAW
from analytics.lab.charts import hours

Row = dict[str, Any]
Shown = Callable[[float], str]

NOTHING = "–"


def percent(value: float) -> str:
    return f"{value:.1%}".replace("-", "−")


def rate(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def with_interval(figure: Row, shown: Shown) -> tuple[str, str]:
    """The figure, and its interval in words; a missing end is one that cannot be told."""
    value, low, high = (None if figure[name] is None else shown(figure[name]) for name in ("value", "low", "high"))
    return value or NOTHING, "" if low is None and high is None else f"{low or NOTHING} to {high or NOTHING}"


def cell(figure: Row, shown: Shown) -> str:
    value, between = with_interval(figure, shown)
    known = between and figure["low"] != figure["high"]
    return f"{value} <small>{between}</small>" if known else value


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """``rows``: markup; the first cell of each names the row."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{each}</td>" for each in row[1:]) + "</tr>" for row in rows
    )
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def folded(title: str, content: str, *, opened: bool = False) -> str:
    """What is folded is not on paper."""
    return f"<details{' open' if opened else ''}><summary>{escape(title)}</summary>{content}</details>"


def _is_policy(name: str) -> bool:
    return not name.startswith(RAW)


#: What a patient-day costs, in the order of the table.
_RATES = (
    ("physiological alerts", "physiological_alerts"),
    ("of them high", "physiological_alerts_high"),
    ("of them medium", "physiological_alerts_medium"),
    ("of them low", "physiological_alerts_low"),
    ("interruptions by them", "interruptions"),
    ("unverified critical values", "unverified_alerts"),
    ("technical alerts", "technical_alerts"),
    ("technical interruptions", "technical_interruptions"),
    ("in the list only", "listed_alerts"),
    ("carried by another alert", "carried_alerts"),
    ("held back, ten minutes at most", "held_calls"),
)


def main_figures(rows: Sequence[Row]) -> str:
    """One column a policy."""
    heads = [row["policy"] for row in rows]
    lines = [
        [label, *(cell(row["intervals"][f"{name}_per_patient_day"], rate) for row in rows)] for label, name in _RATES
    ]
    free = [cell(row["event_free"]["physiological_alerts_per_patient_day"], rate) for row in rows]
    lines.append([f"physiological alerts of {rows[0]['event_free']['patients']} patients without an event", *free])
    other = [
        ["interruptions a nurse-hour", *(_plain(row["interruptions_per_nurse_hour"], rate) for row in rows)],
        ["hours in which somebody is called", *(cell(row["alert_hours_share"], percent) for row in rows)],
        ["share of the tenth with the most", *(_plain(row["top_tenth_share"], percent) for row in rows)],
    ]
    return table(["a patient-day", *heads], lines) + table(
        ["in all", *heads], [*other, *(_events(rows) if rows[0]["events"] else [])]
    )


def _events(rows: Sequence[Row]) -> list[list[str]]:
    return [
        ["events caught", *(f"{row['events'] - row['missed']} of {row['events']}" for row in rows)],
        ["of them by an unverified critical value", *(str(row["caught_by_unverified"]) for row in rows)],
        ["missed, but an alert that stood became worse in time", *(str(row["missed_but_told_worse"]) for row in rows)],
        ["sensitivity", *(cell(row["intervals"]["sensitivity"], percent) for row in rows)],
        ["sensitivity, tuned scenarios only", *(cell(row["without_left_out"], percent) for row in rows)],
        ["sensitivity of chance at this burden", *(_plain(row["chance"]["sensitivity"], percent) for row in rows)],
        ["median lead time", *(cell(row["intervals"]["lead_time_median_s"], hours) for row in rows)],
        ["median lead time of chance", *(_plain(row["chance"]["lead_time_median_s"], hours) for row in rows)],
    ]


def _plain(value: float | None, shown: Shown) -> str:
    return NOTHING if value is None else shown(value)


def by_scenario(rows: Sequence[Row]) -> str:
    lines = []
    for name, found in rows[0]["by_scenario"].items():
        line = [escape(name.replace("_", " ")), str(found["events"]), _plain(found["window_median_s"], hours)]
        for row in rows:
            mine = row["by_scenario"][name]
            line += [cell(mine["sensitivity"], percent), cell(mine["lead_time_median_s"], hours)]
        lines.append(line)
    heads = ["scenario", "events", "onset to harm"]
    heads += [head for row in rows for head in (f"{row['policy']}: caught", "lead")]
    return folded("The same as numbers", table(heads, lines))


def by_group(rows: Sequence[Row]) -> str:
    """Every grouping of the patients; nothing where there is none."""
    names = list(rows[0]["by_group"])
    return "".join([f"<h2>By group</h2>{''.join(_group(name, rows) for name in names)}"]) if names else ""


def _group(name: str, rows: Sequence[Row]) -> str:
    lines = []
    for value in rows[0]["by_group"][name]:
        line = [escape(value.replace("_", " ")), str(rows[0]["by_group"][name][value]["patients"])]
        for row in rows:
            mine = row["by_group"][name][value]
            line += [cell(mine["physiological_alerts_per_patient_day"], rate), cell(mine["sensitivity"], percent)]
        lines.append([*line, str(rows[0]["by_group"][name][value]["held_calls"])])
    heads = [name, "patients", *(head for row in rows for head in (f"{row['policy']}: alerts", "caught")), "held"]
    return f"<h3>{escape(name.capitalize())}</h3>{table(heads, lines)}"


_MISS_HEADS = ("event", "scenario", "hours", "fault", "what there was instead")


def _miss(row: Row) -> list[str]:
    return [
        escape(row["event"]), escape(row["scenario"].replace("_", " ")), f"{row['hours']:g}", escape(row["fault"] or NOTHING),
        escape(row["instead"]),
    ]  # fmt: skip


def misses(rows: Sequence[Row]) -> str:
    """One by one, for every policy."""
    if not rows[0]["events"]:
        return ""
    parts = [
        folded(
            f"{row['policy']}: {row['missed']} missed",
            table(_MISS_HEADS, [_miss(each) for each in row["misses"]]),
            opened=_is_policy(row["policy"]),
        )
        for row in rows
    ]
    return f"<h2>Missed events, one by one</h2>{''.join(parts)}"


def changed(comparisons: Sequence[Row]) -> str:
    """Which true alerts would vanish and which appear."""
    parts = []
    for row in comparisons:
        one, other = row["policy"], row["against"]
        for which, title in (
            ("lost", f"{other} catches, {one} does not"),
            ("gained", f"{one} catches, {other} does not"),
        ):
            lines = [[*_miss(each), escape(each["other_rule"]), hours(each["other_lead_s"])] for each in row[which]]
            if lines:
                parts.append(
                    folded(
                        f"{title}: {len(lines)}",
                        table([*_MISS_HEADS, "caught by", "lead"], lines),
                        opened=_is_policy(one),
                    )
                )
    return f"<h2>True alerts that vanish or appear</h2>{''.join(parts) or '<p>None.</p>'}"


def _one_by_one(by_fault: Mapping[str, Row]) -> str:
    lines = [
        [escape(fault.replace("_", " ")), *(escape(str(each)) for each in line)]
        for fault, found in by_fault.items()
        for line in (
            *(("hidden", each["event"], each["scenario"], each["instead"]) for each in found["hidden"]),
            *(
                ("raised", each["patient"], f"{each['rule']}, minute {each['minute']}", each["said"])
                for each in found["high_physiological_raised"]
            ),
        )
    ]
    heads = ("fault", "what", "who", "scenario or rule, minute of the fault", "what there was instead, or what it said")
    return folded("One by one", table(heads, lines), opened=True) if lines else ""


def faults(rows: Sequence[Row]) -> str:
    """What each fault hid and what it raised, never one without the other."""
    parts = []
    for row in rows:
        lines = [
            [
                escape(name.replace("_", " ")),
                str(found["events"]),
                str(found["caught_without"]),
                str(found["caught"]),
                str(len(found["hidden"])),
                str(len(found["high_physiological_raised"])),
            ]
            for name, found in row["by_fault"].items()
        ]
        heads = (
            "fault",
            "events under it",
            "caught without it",
            "caught with it",
            "hidden",
            "high physiological alerts raised",
        )
        parts.append(f"<h3>{escape(row['policy'])}</h3>{table(heads, lines)}{_one_by_one(row['by_fault'])}")
    said = (
        "Hidden: caught without the fault, not with it, and nobody was called in time by, or acknowledged, a technical alert of "
        "medium priority or above. Raised: a call of high priority during the fault that the same rule does not make without it."
    )
    return f"<h2>What device faults hide and raise</h2><p>{said}</p>{''.join(parts)}"
