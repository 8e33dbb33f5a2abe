"""What an alert says, as phrases that are rendered in each language (decision page 0045).

The English title and text are rendered once, when a rule decides, and kept as ever; the phrases are kept beside them, in
``Evidence.said``, and the Chinese is rendered from these when somebody reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vigil.domain.alerts import Alert, Evidence
from vigil.domain.phrases.names import CHINESE_WORDS, Language
from vigil.domain.phrases.render import Phrase, render

__all__ = [
    "CHINESE_WORDS",
    "Chinese",
    "Language",
    "Phrase",
    "Told",
    "amended",
    "chinese",
    "chinese_text",
    "english",
    "phrase",
    "render",
    "tell",
    "title_of",
    "with_more",
]


def phrase(key: str, **values: Any) -> Phrase:
    return {"key": key, **values}


def english(*phrases: Phrase) -> str:
    """One sentence after the other."""
    return " ".join(render(one, Language.ENGLISH) for one in phrases)


@dataclass(frozen=True, slots=True)
class Told:
    """``title`` and ``text`` in English; ``said`` goes into the evidence."""

    title: str
    text: str
    said: dict[str, Any]


def tell(title: Phrase, *text: Phrase) -> Told:
    """Raises ``KeyError`` for a phrase that the catalogue does not have."""
    return Told(english(title), english(*text), {"title": title, "text": list(text)})


def title_of(alert: Alert) -> Phrase | str:
    """To be quoted in another alert's phrase."""
    said = alert.evidence.said
    return alert.title if said is None else said["title"]


def with_more(evidence: Evidence, more: Phrase) -> Evidence:
    """The evidence with one sentence more."""
    said = evidence.said
    if said is not None:
        said = {**said, "text": [*said["text"], more]}
    return replace(evidence, text=f"{evidence.text} {english(more)}", said=said)


def amended(alert: Alert) -> bool:
    """Has late data added to what it said?"""
    said = alert.evidence.said
    return said is not None and any(one["key"] == "as_said" for one in said["text"])


@dataclass(frozen=True, slots=True)
class Chinese:
    title: str
    text: str


def chinese(alert: Alert) -> Chinese | None:
    """None where nothing but English is known: kept by a Vigil that had no phrases, or had one that this Vigil does not know."""
    said = alert.evidence.said
    if said is None:
        return None
    title, text = chinese_text([said["title"]]), chinese_text(said["text"])
    return None if title is None or text is None else Chinese(title, text)


def chinese_text(phrases: Sequence[Phrase]) -> str | None:
    """One sentence after the other; None where the catalogue, or the phrase, lacks something."""
    try:
        return "".join(render(one, Language.CHINESE) for one in phrases)
    except KeyError:
        return None
