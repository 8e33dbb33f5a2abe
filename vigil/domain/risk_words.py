"""What a risk model foretells, in words for nurses: one place for the API, the alerts and the model's folder.

A model's label is called what it is (never "deterioration" at large), and a probability is said as people of a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.phrases import Phrase, english, phrase
from vigil.domain.risk import Prediction, Source

NOTICE = english(phrase("risk.notice"))

#: What every model here must say of where it learned: in hospital, from people more ill than those at home.
_LEARNED = "learned in intensive care"


@dataclass(frozen=True, slots=True)
class Foretold:
    """``event``: what was labelled in the data. ``went_on``: the same, said of people."""

    event: str
    went_on: str


_SEPSIS = Foretold("sepsis onset within 6 h", "went on to sepsis within 6 h")
_PRESSURE = Foretold(
    "mean pressure below 60 mmHg for 30 min within the hour", "had a mean pressure below 60 mmHg within the hour"
)
_FORETOLD = {"sepsis-home": _SEPSIS, "sepsis-hospital": _SEPSIS, "hypotension": _PRESSURE}


def foretold(model: str) -> Foretold:
    """A model trained elsewhere under a name of its own is called by it."""
    return _FORETOLD.get(model, Foretold(f"the event of {model}", f"had the event of {model}"))


def label(model: str) -> str:
    """What the model was trained to foretell, and where.

    >>> label("sepsis-home")
    'sepsis onset within 6 h, learned in intensive care'
    """
    return f"{foretold(model).event}, {_LEARNED}"


def of_hundred(probability: float) -> int | None:
    """People of a hundred; None = fewer than one.

    >>> of_hundred(0.071), of_hundred(0.004)
    (7, None)
    """
    return round(100 * probability) if probability >= 0.01 else None


def likelihood(prediction: Prediction) -> str:
    """``how_often`` in English."""
    return english(how_often(prediction))


def how_often(prediction: Prediction) -> Phrase:
    """How often the event came among people like this one, with its interval, and how far that can be trusted at home."""
    alike = "values" if prediction.source is Source.MODEL else "a NEWS2"
    people = {"alike": alike, "went_on": foretold(prediction.model).went_on}
    count, most = of_hundred(prediction.probability), round(100 * prediction.high)
    if count is not None:
        return phrase("risk.about", **people, count=count, low=round(100 * prediction.low), most=most)
    return phrase("risk.few.most", **people, most=most) if most > 1 else phrase("risk.few", **people)
