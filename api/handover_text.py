"""The hand-over note to read at 3 a.m.: the facts of ``handover`` in short sentences, by templates only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from api.shape import Json
from vigil.domain.rota import DAYS, local_time, zone_of
from vigil.domain.times import from_iso

#: NEWS2 from which the Royal College of Physicians asks for an urgent response (2017).
_URGENT = 5
_LANES = (("high", "High"), ("medium", "Medium"), ("low", "Low"), ("technical", "Technical"))
_COVERAGE = {
    "partly": "partly watched",
    "paused": "monitoring paused",
    "not_watched": "not watched",
    "no_device": "no device",
}
_DONE = {"note": "noted", "called": "called", "no_answer": "called, no answer", "sent_help": "sent help"}
_COURSE = {
    "up": "up from {} at {}",
    "down": "down from {} at {}",
    "steady": "as at {1}",
    "unclear": "not to be compared with {} at {}",
}
_MARKS = re.compile(r"([\\`*_\[\]<>#|~])")


class Times:
    """Tells moments of a note by the ward's wall clock, with the day only where it is another one."""

    def __init__(self, at: str, zone: str) -> None:
        self._zone = zone_of(zone)
        self._today = self._local(at)

    def of(self, iso: str) -> str:
        local = self._local(iso)
        clock = f"{local:%H:%M}"
        if local.date() == self._today.date():
            return clock
        near = abs(local.date() - self._today.date()) < timedelta(days=7)
        return f"{DAYS[local.weekday()] if near else local.date().isoformat()} {clock}"

    def today(self) -> str:
        return f"{DAYS[self._today.weekday()]} {self._today:%Y-%m-%d, %H:%M}"

    def _local(self, iso: str) -> datetime:
        return local_time(from_iso(iso), self._zone)


def markdown(facts: Json) -> str:
    """``facts`` as ``api.handover.handover`` gives them."""
    times = Times(facts["at"], facts["timezone"])
    parts = [
        f"# Hand-over: {plain(facts['ward'])}",
        f"{times.today()} ({facts['timezone']}).",
        _people(facts, times),
        _summary(facts),
        "## Open alerts",
        *_alerts(facts["alerts"], times),
        f"## Since {times.of(facts['since_at'])}",
        _happened(facts["happened"]),
        *([_bullets(_done(one, times) for one in facts["notes"])] if facts["notes"] else []),
        "## NEWS2",
        _bullets(_scores(facts["news2"], times)),
        "## Not fully watched",
        _bullets(_gap(one, times) for one in facts["not_watched"]),
        "## Silent devices",
        _bullets(
            f"{plain(one['device_id'])} ({_who(one['patient'])}): "
            + (f"last heard {times.of(one['last_heard_at'])}." if one["last_heard_at"] else "never heard.")
            for one in facts["silent_devices"]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """One line in which nothing is taken for a mark of Markdown.

    >>> plain("<b>a*b</b>\\nc")
    '\\\\<b\\\\>a\\\\*b\\\\</b\\\\> c'
    """
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _people(facts: Json, times: Times) -> str:
    if facts["team_id"] is None:
        return "No team is set for this ward: each call goes to the page, for everybody."
    why = " (no shift runs, this is the fallback)" if facts["filled"] else ""
    said = f"On call: {_names(facts['on_call'])}{why}."
    following = facts["next"]
    return (
        said if following is None else f"{said} Then {_names(following['on_call'])}, from {times.of(following['at'])}."
    )


def _names(members: Iterable[Json]) -> str:
    return " and ".join(plain(one["name"]) for one in members)


def _summary(facts: Json) -> str:
    counts = ", ".join(f"{len(facts['alerts'][lane])} {lane}" for lane, _ in _LANES)
    free = sum(not one["owner"] for lane in facts["alerts"].values() for one in lane)
    gaps = len(facts["not_watched"])
    return f"**Open: {counts}. Nobody has {free} of them. Not fully watched: {gaps} of {facts['patients']} people.**"


def _alerts(lanes: Json, times: Times) -> list[str]:
    titles = {one["id"]: one["title"] for lane in lanes.values() for one in lane}
    found = []
    for lane, heading in _LANES:
        if lanes[lane]:
            found += [f"### {heading}", _bullets(_alert(one, titles, times) for one in lanes[lane])]
    return found or ["None."]


def _alert(one: Json, titles: dict[str, str], times: Times) -> str:
    said = [
        f"{_who(one['patient'])}: {plain(one['title'])}.",
        plain(one["text"]),
        f"Since {times.of(one['opened_at'])}.",
    ]
    if one["state"] == "cleared":
        said.append("Over by itself, but nobody has looked.")
    elif one["condition"] == "unknown":
        said.append("No data now.")
    said.append(_handling(one, times))
    if one["snoozed_until"] is not None:
        why = f": {plain(_sentence(one['snooze_reason']))}" if one["snooze_reason"] else "."
        said.append(f"Snoozed until {times.of(one['snoozed_until'])} by {plain(one['snoozed_by'])}{why}")
    if one["held_until"] is not None:
        said.append(f"The call is held back until {times.of(one['held_until'])}.")
    if one["suppressed_by"]:
        carrier = str(one["suppressed_by"])
        said.append(f"Another alert stands for it: {plain(titles.get(carrier, carrier))}.")
    if one["note"]:
        said.append(f"Note: {plain(_sentence(one['note']))}")
    return " ".join(part for part in said if part)


def _handling(one: Json, times: Times) -> str:
    if one["accept_by"] is not None:
        given = "Assigned" if one["handling"] == "unacknowledged" else "Handed over"
        return f"{given} to {plain(one['owner'])}, who must accept it by {times.of(one['accept_by'])}."
    if one["handling"] == "unacknowledged":
        calls = one["escalation_level"] + 1
        return "Nobody has it." + (f" Called {calls} times." if calls > 1 else "")
    since = f" since {times.of(one['acknowledged_at'])}" if one["acknowledged_at"] else ""
    return f"{plain(one['owner'])} has it{since}."


def _happened(counts: Json) -> str:
    return (
        ", ".join(f"{name} {counts[name]}" for name in ("opened", "resolved", "escalated", "unanswered")).capitalize()
        + "."
    )


def _done(one: Json, times: Times) -> str:
    said = f": {plain(_sentence(one['text']))}" if one["text"] else "."
    return f"{_who(one['patient'])}: {times.of(one['at'])} {plain(one['author'])} {_DONE[one['kind']]}{said}"


def _gap(one: Json, times: Times) -> str:
    until = f" until {times.of(one['until_at'])}" if one["until_at"] is not None else ""
    state = f"{_COVERAGE[one['state']]} since {times.of(one['since_at'])}{until}"
    return f"{_who(one['patient'])}: {state}. {plain(_sentence(one['why']))}"


def _scores(rows: list[Json], times: Times) -> list[str]:
    """Each person whose score is high, rises, may have risen or is not known; the others as a count."""
    quiet = [one for one in rows if one["now"] is not None and not _matters(one)]
    loud = [one for one in rows if one not in quiet]
    loud.sort(key=lambda one: (one["now"] is None, -(one["now"] or {"lower": 0})["lower"], one["patient"]["id"]))
    said = [f"{_who(one['patient'])}: {_score(one, times)}" for one in loud]
    if quiet:
        people = f"The {'others' if loud else 'people'} ({len(quiet)})"
        partial = sum(bool(one["now"]["missing"]) for one in quiet)
        missing = f" Values are missing for {partial}." if partial else ""
        said.append(f"{people}: below {_URGENT} as far as known, none rising.{missing}")
    return said


def _matters(row: Json) -> bool:
    return bool(row["now"]["lower"] >= _URGENT or row["now"]["single_3"] or row["course"] in ("up", "unclear"))


def _score(row: Json, times: Times) -> str:
    if row["now"] is None:
        return "no score."
    said = _points(row["now"])
    if row["course"] is not None:
        said += ", " + _COURSE[row["course"]].format(_points(row["first"]), times.of(row["first"]["at"]))
    said += ". One value alone scores 3." if row["now"]["single_3"] else "."
    missing = ", ".join(name.replace("_", " ") for name in row["now"]["missing"])
    return said + (f" Missing: {missing}." if missing else "")


def _points(bounds: Json) -> str:
    low, high = bounds["lower"], bounds["upper"]
    return f"{low}" if low == high else f"{low} to {high}"


def _who(patient: Json | None) -> str:
    if patient is None:
        return "**Vigil itself**"
    name = patient["name"]
    shown = (
        f"{plain(name['family'])}, {plain(name['given'])} ({plain(patient['id'])})" if name else plain(patient["id"])
    )
    return f"**{shown}**"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "None."
