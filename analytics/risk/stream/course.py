"""When a model's predictions become an alert, and when it is over: a pure step from one decision to the next.

Two decisions in a row above the threshold open it, so that one odd quarter of an hour calls nobody; four in a row below 0.8 of
the threshold end it, so that it does not flap (numbers ours, need clinical sign-off). Where the model abstains, NEWS2 has an
alert of its own: nothing opens or ends here, and both counts begin anew, as after a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vigil.domain.risk import Prediction, Source
from vigil.domain.times import HOUR

OPEN_AFTER, END_AFTER = 2, 4
END_BELOW = 0.8
#: Decisions further apart than this are not "in a row", microseconds.
GAP = HOUR


@dataclass(frozen=True, slots=True)
class Course:
    """``above`` and ``below``: decisions in a row; ``at``: of the newest one, measured time; ``answered_at``: of the newest one
    that the model made itself; ``quiet_at``: where the row ``below`` began."""

    open: bool = False
    above: int = 0
    below: int = 0
    at: int = 0
    answered_at: int = 0
    quiet_at: int = 0


FRESH = Course()


def follow(course: Course, prediction: Prediction, threshold: float) -> Course:
    """An older decision than the newest one changes nothing."""
    at = prediction.at
    if at <= course.at:
        return course
    if prediction.source is not Source.MODEL:
        return Course(course.open, at=at, answered_at=course.answered_at)
    in_a_row = at - course.at <= GAP
    above = (course.above if in_a_row else 0) + 1 if prediction.alert else 0
    low = prediction.probability < END_BELOW * threshold and not prediction.alert
    below = (course.below if in_a_row else 0) + 1 if low else 0
    opened = (course.open or above >= OPEN_AFTER) and below < END_AFTER
    return Course(opened, above, below, at, at, course.quiet_at if below > 1 else at)


def followed(predictions: Iterable[Prediction], threshold: float, course: Course = FRESH) -> Course:
    for each in predictions:
        course = follow(course, each, threshold)
    return course
