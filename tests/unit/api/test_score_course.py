"""What NEWS2 was in the four hours before the last one."""

from __future__ import annotations

import pytest

from api.recent import SEEDED_AT_ONCE
from api.score_course import ScoreCourse
from tests.unit.api.site import START, Site
from vigil.domain.scores import Score, ScoreStatus
from vigil.domain.times import HOUR, MINUTE


def news2(patient_id: str, lower: int, upper: int, at: int) -> Score:
    complete = lower == upper
    status = ScoreStatus.COMPLETE if complete else ScoreStatus.PARTIAL
    return Score("news2", patient_id, at, status, lower if complete else None, lower, upper, None, False, ())


def course(site: Site) -> ScoreCourse:
    return ScoreCourse(site.readings, site.bus.board, site.clock)


def at(site: Site, minute: int, lower: int, upper: int, patient_id: str = "p-1") -> None:
    site.clock.jump_to(START + minute * MINUTE)
    site.bus.board.put_score(news2(patient_id, lower, upper, site.clock.now_us()))


@pytest.mark.parametrize(
    ("scores", "before"),
    [
        ([(0, 3, 3), (5, 3, 3), (240, 7, 7)], {"lower": 3, "upper": 3}),  # the last hour does not count
        ([(0, 3, 3), (5, 3, 6), (10, 3, 6), (240, 7, 7)], {"lower": 3, "upper": 6}),
        ([(0, 2, 2), (5, 3, 3), (240, 3, 3)], {"lower": 3, "upper": 3}),  # 2.5 is told as 3
        ([(0, 3, 3), (1, 9, 9), (2, 4, 4), (5, 5, 5), (240, 3, 3)], {"lower": 7, "upper": 7}),  # the worst of 5 minutes
        ([(0, 3, 3), (240, 3, 3)], None),  # too few
    ],
)
def test_the_median_of_each_bound(site: Site, scores: list[tuple[int, int, int]], before: object) -> None:
    kept = course(site)
    for minute, lower, upper in scores:
        at(site, minute, lower, upper)
        kept.refresh(["p-1"])
    assert kept.before("p-1") == before


def test_a_score_that_does_not_apply_is_none(site: Site) -> None:
    kept = course(site)
    for minute in (0, 5, 10, 240):
        site.clock.jump_to(START + minute * MINUTE)
        score = Score("news2", "p-1", START, ScoreStatus.NOT_APPLICABLE, None, None, None, None, False, ())
        site.bus.board.put_score(score)
        kept.refresh(["p-1"])
    assert kept.before("p-1") is None


def test_after_five_hours_nothing_is_left_and_that_is_told_once(site: Site) -> None:
    kept = course(site)
    for minute in (0, 5):
        at(site, minute, 3, 3)
        kept.refresh(["p-1"])
    site.bus.board.forget("p-1")
    site.clock.jump_to(START + 2 * HOUR)
    assert kept.refresh(["p-1"]) == {"p-1": {"lower": 3, "upper": 3}}
    site.clock.jump_to(START + 6 * HOUR)
    assert kept.refresh(["p-1"]) == {"p-1": None}
    assert kept.refresh(["p-1"]) == {}


def test_after_a_start_it_is_read_from_the_store_a_few_patients_at_a_time(site: Site) -> None:
    everybody = [f"p-{number}" for number in range(SEEDED_AT_ONCE + 1)]
    site.readings.append_scores(
        [news2(one, 4, 6, START + minute * MINUTE) for one in everybody for minute in range(0, 30, 5)]
    )
    site.clock.jump_to(START + 2 * HOUR)
    kept = course(site)
    kept.refresh(everybody)
    kept.seed()
    kept.refresh(everybody)
    assert [kept.before(one) is None for one in everybody].count(True) == 1
    kept.seed()
    kept.refresh(everybody)
    assert all(kept.before(one) == {"lower": 4, "upper": 6} for one in everybody)


def test_who_comes_and_goes_takes_nothing_of_others_along(site: Site) -> None:
    kept = course(site)
    for minute in (0, 5):
        at(site, minute, 3, 3, "p-2")
        kept.refresh(["p-2", "p-3"])
    site.clock.jump_to(START + 2 * HOUR)
    kept.refresh(["p-1", "p-2"])
    assert [kept.before(one) for one in ("p-1", "p-2", "p-3")] == [None, {"lower": 3, "upper": 3}, None]


def test_the_card_and_the_stream_tell_it(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.store("w-1", "spo2", [96.0])
    ward = site.context.ward
    for minute in (0, 5, 90):
        at(site, minute, 3, 5)
        changes = ward.take_changes()
    assert changes.tick("now")["patients"]["p-1"]["score_before"] == {"lower": 3, "upper": 5}
    assert site.get("/api/v1/patients/p-1").json()["score_before"] == {"lower": 3, "upper": 5}
