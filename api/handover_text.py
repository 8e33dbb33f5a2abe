"""The hand-over note to read at 3 a.m.: the facts of ``handover`` in short sentences, by phrases only, in one language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from api.shape import Json
from vigil.domain.phrases import Language, Phrase, phrase, render
from vigil.domain.rota import DAYS, local_time, zone_of
from vigil.domain.times import from_iso

#: NEWS2 from which the Royal College of Physicians asks for an urgent response (2017).
_URGENT = 5
_LANES = ("high", "medium", "low", "technical")
_GAPS = {
    "partly": "handover.gap.partly",
    "paused": "handover.gap.paused",
    "not_watched": "handover.gap.not_watched",
    "no_device": "handover.gap.no_device",
}
_DONE = {
    "note": "handover.done.note",
    "called": "handover.done.called",
    "no_answer": "handover.done.no_answer",
    "sent_help": "handover.done.sent_help",
}
_STOPS = (".", "!", "?", "。", "！", "？")
_CHINESE_DAYS = "一二三四五六日"
_MARKS = re.compile(r"([\\`*_\[\]<>#|~])")


class Times:
    """Tells moments of a note by the ward's wall clock, with the day only where it is another one."""

    def __init__(self, at: str, zone: str, language: Language) -> None:
        self._zone, self._language = zone_of(zone), language
        self._today = self._local(at)

    def of(self, iso: str) -> str:
        local = self._local(iso)
        clock = f"{local:%H:%M}"
        if local.date() == self._today.date():
            return clock
        near = abs(local.date() - self._today.date()) < timedelta(days=7)
        return f"{self._weekday(local) if near else local.date().isoformat()} {clock}"

    def today(self) -> str:
        return f"{self._weekday(self._today)} {self._today:%Y-%m-%d, %H:%M}"

    def _weekday(self, local: datetime) -> str:
        chinese = self._language is Language.CHINESE
        return f"星期{_CHINESE_DAYS[local.weekday()]}" if chinese else DAYS[local.weekday()]

    def _local(self, iso: str) -> datetime:
        return local_time(from_iso(iso), self._zone)


def markdown(facts: Json, language: Language, called: Mapping[str, str]) -> str:
    """``facts`` as ``api.handover.handover`` gives them; ``called``: by the name to log in with, what somebody is called."""
    return _Note(facts, language, called).text()


def plain(text: str) -> str:
    """One line in which nothing is taken for a mark of Markdown.

    >>> plain("<b>a*b</b>\\nc")
    '\\\\<b\\\\>a\\\\*b\\\\</b\\\\> c'
    """
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


class _Note:
    """What comes from outside goes through ``plain`` or ``_person`` before it becomes part of a phrase."""

    def __init__(self, facts: Json, language: Language, called: Mapping[str, str]) -> None:
        self._facts, self._language, self._called = facts, language, called
        self._times = Times(facts["at"], facts["timezone"], language)
        rows = (one for lane in facts["alerts"].values() for one in lane)
        self._titles = {one["id"]: self._own(one, "title") for one in rows}

    def text(self) -> str:
        facts, say, heading = self._facts, self._say, self._heading
        done = [self._bullets(map(self._done, facts["notes"]))] if facts["notes"] else []
        parts = [
            f"# {say('handover.title', ward=plain(facts['ward']))}",
            say("handover.made", time=self._times.today(), zone=facts["timezone"]),
            self._people(),
            self._summary(),
            heading("handover.alerts"),
            *self._alerts(),
            heading("handover.since", time=self._times.of(facts["since_at"])),
            say("handover.happened", **facts["happened"]),
            *done,
            "## NEWS2",
            self._bullets(self._scores()),
            heading("handover.gaps"),
            self._bullets(map(self._gap, facts["not_watched"])),
            heading("handover.silent"),
            self._bullets(map(self._silent, facts["silent_devices"])),
        ]
        return "\n\n".join(parts) + "\n"

    def _say(self, key: str, **values: Any) -> str:
        return render(phrase(key, **values), self._language)

    def _heading(self, key: str, **values: Any) -> str:
        return f"## {self._say(key, **values)}"

    def _joined(self, parts: Iterable[str]) -> str:
        """Sentences after one another; Chinese ones touch."""
        return "".join(part if part.endswith("。") else f"{part} " for part in parts if part).rstrip()

    def _own(self, row: Json, name: str) -> str:
        """The server's own words of a row in this language, or in English where it has no other."""
        chinese = self._language is Language.CHINESE and row.get("zh")
        return plain(str((row["zh"] if chinese else row)[name]))

    def _person(self, user_id: str) -> str:
        return plain(self._called.get(user_id, user_id))

    def _bullets(self, lines: Iterable[str]) -> str:
        return "\n".join(f"- {line}" for line in lines) or self._say("handover.none")

    def _who(self, patient: Json | None) -> str:
        if patient is None:
            return f"**{self._say('handover.platform')}**"
        name, own = patient["name"], plain(patient["id"])
        return f"**{plain(name['family'])}, {plain(name['given'])} ({own})**" if name else f"**{own}**"

    def _people(self) -> str:
        facts = self._facts
        if facts["team_id"] is None:
            return self._say("handover.no_team")
        key = "handover.on_call.filled" if facts["filled"] else "handover.on_call"
        said, following = [self._say(key, names=self._names(facts["on_call"]))], facts["next"]
        if following is not None:
            time, names = self._times.of(following["at"]), self._names(following["on_call"])
            said.append(self._say("handover.then", names=names, time=time))
        return self._joined(said)

    def _names(self, members: Iterable[Json]) -> str:
        return ("、" if self._language is Language.CHINESE else " and ").join(plain(one["name"]) for one in members)

    def _summary(self) -> str:
        lanes = self._facts["alerts"]
        free = sum(not one["owner"] for lane in lanes.values() for one in lane)
        counts = {lane: len(lanes[lane]) for lane in _LANES}
        gaps, people = len(self._facts["not_watched"]), self._facts["patients"]
        return f"**{self._say('handover.summary', **counts, free=free, gaps=gaps, people=people)}**"

    def _alerts(self) -> list[str]:
        lanes, found = self._facts["alerts"], []
        for lane in _LANES:
            if lanes[lane]:
                found += [f"### {self._say(f'handover.lane.{lane}')}", self._bullets(map(self._alert, lanes[lane]))]
        return found or [self._say("handover.none")]

    def _alert(self, one: Json) -> str:
        say, time = self._say, self._times.of
        said = [
            say("handover.about", who=self._who(one["patient"]), what=self._titles[one["id"]]),
            self._own(one, "text"),
            say("handover.opened", time=time(one["opened_at"])),
        ]
        if one["state"] == "cleared":
            said.append(say("handover.over"))
        elif one["condition"] == "unknown":
            said.append(say("handover.unknown"))
        said.append(self._handling(one))
        if one["snoozed_until"] is not None:
            who, until, why = self._person(one["snoozed_by"]), time(one["snoozed_until"]), one["snooze_reason"]
            known = say("handover.snoozed.why", who=who, time=until, why=self._sentence(why)) if why else ""
            said.append(known or say("handover.snoozed", who=who, time=until))
        if one["held_until"] is not None:
            said.append(say("handover.held", time=time(one["held_until"])))
        if one["suppressed_by"]:
            carrier = str(one["suppressed_by"])
            said.append(say("handover.carried", what=self._titles.get(carrier, plain(carrier))))
        if one["note"]:
            said.append(say("handover.note", words=self._sentence(one["note"])))
        return self._joined(said)

    def _handling(self, one: Json) -> str:
        say, who = self._say, self._person(one["owner"])
        free = one["handling"] == "unacknowledged"
        if one["accept_by"] is not None:
            return say(
                "handover.assigned" if free else "handover.given", who=who, time=self._times.of(one["accept_by"])
            )
        if free:
            calls = one["escalation_level"] + 1
            return self._joined([say("handover.nobody"), say("handover.called", calls=calls) if calls > 1 else ""])
        if one["acknowledged_at"]:
            return say("handover.has_it.since", who=who, time=self._times.of(one["acknowledged_at"]))
        return say("handover.has_it", who=who)

    def _done(self, one: Json) -> str:
        time, author = self._times.of(one["at"]), self._person(one["author"])
        what, who = self._say(_DONE[one["kind"]], time=time, author=author), self._who(one["patient"])
        if not one["text"]:
            return self._say("handover.about", who=who, what=what)
        return self._say("handover.done.words", who=who, what=what, words=self._sentence(one["text"]))

    def _gap(self, one: Json) -> str:
        since, key = self._times.of(one["since_at"]), _GAPS[one["state"]]
        what = self._say(key, since=since)
        if one["until_at"] is not None:
            what = self._say("handover.gap.until", what=what, until=self._times.of(one["until_at"]))
        said = self._say("handover.about", who=self._who(one["patient"]), what=what)
        return self._joined([said, self._ended(self._own(one, "why"))])

    def _silent(self, one: Json) -> str:
        who, device = self._who(one["patient"]), plain(one["device_id"])
        if one["last_heard_at"] is None:
            return self._say("handover.never_heard", device=device, who=who)
        return self._say("handover.heard", device=device, who=who, time=self._times.of(one["last_heard_at"]))

    def _scores(self) -> list[str]:
        """Each person whose score is high, rises, may have risen or is not known; the others as a count."""
        rows = self._facts["news2"]
        quiet = [one for one in rows if one["now"] is not None and not matters(one)]
        loud = [one for one in rows if one not in quiet]
        loud.sort(key=lambda one: (one["now"] is None, -(one["now"] or {"lower": 0})["lower"], one["patient"]["id"]))
        said = [self._say("handover.score.of", who=self._who(one["patient"]), what=self._score(one)) for one in loud]
        if quiet:
            partial = sum(bool(one["now"]["missing"]) for one in quiet)
            calm = self._say("handover.others" if loud else "handover.all", people=len(quiet), urgent=_URGENT)
            said.append(self._joined([calm, self._say("handover.partial", people=partial) if partial else ""]))
        return said

    def _score(self, row: Json) -> str:
        now, first = row["now"], row["first"]
        if now is None:
            return self._say("handover.score.none")
        said = [self._say("handover.score", points=self._points(now))]
        if row["course"] is not None:
            before = {} if row["course"] == "steady" else {"before": self._points(first)}
            time = self._times.of(first["at"])
            said = [self._say(f"handover.score.{row['course']}", points=self._points(now), time=time, **before)]
        if now["single_3"]:
            said.append(self._say("handover.score.single_3"))
        if now["missing"]:
            names: list[Phrase] = [phrase("handover.input", input=name) for name in now["missing"]]
            said.append(self._say("handover.score.missing", names=names))
        return self._joined(said)

    def _points(self, bounds: Json) -> str:
        low, high = bounds["lower"], bounds["upper"]
        return f"{low}" if low == high else self._say("handover.points", low=low, high=high)

    def _sentence(self, text: str) -> str:
        """What a person wrote."""
        return self._ended(plain(text))

    def _ended(self, text: str) -> str:
        stop = "。" if self._language is Language.CHINESE else "."
        return text if not text or text.endswith(_STOPS) else text + stop


def matters(row: Json) -> bool:
    """``row`` has a score. What cannot be compared matters only where it may have risen."""
    now, first, went = row["now"], row["first"], row["course"]
    risen = went == "up" or (went == "unclear" and now["upper"] > first["lower"])
    return bool(now["lower"] >= _URGENT or now["single_3"] or risen)
