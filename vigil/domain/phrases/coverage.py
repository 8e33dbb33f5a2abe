"""A coverage with its reason in phrases: the English for whoever reads ``why``, the phrase for other languages."""

from __future__ import annotations

from vigil.domain.phrases import Phrase, english, phrase
from vigil.domain.scores import Coverage, CoverageState

#: What the server says where analytics has said nothing, or has stopped.
STILL, NOT_JUDGED = phrase("coverage.still"), phrase("coverage.not_judged")
NONE_BOUND = phrase("coverage.none_bound")


def covered(
    patient_id: str, state: CoverageState, since: int, why: Phrase | None = None, until: int | None = None
) -> Coverage:
    """``since`` and ``until`` microseconds UTC; ``why`` None: somebody is watched, which needs no reason."""
    return Coverage(patient_id, state, since, "" if why is None else english(why), until, why)
