"""Of each person the newest word, of each alert one verdict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.feedback import Feedback, Verdict, expected_share, newest, true_share, verdict

words = st.sampled_from(list(Verdict))
said = st.lists(st.tuples(st.sampled_from(["Li Na", "Wang", "Zhou"]), words), max_size=12).map(
    lambda drawn: [Feedback("a-1", person, word, "", at) for at, (person, word) in enumerate(drawn)]
)


@given(said)
def test_only_the_newest_word_of_each_person_counts(log: list[Feedback]) -> None:
    kept = newest(log)
    assert len({one.person for one in kept}) == len(kept)
    assert {one.person for one in kept} == {one.person for one in log}
    assert all(later.person != one.person for one in kept for later in log if later.at > one.at)
    assert verdict(log) == verdict(kept)


@given(said)
def test_the_verdict_is_that_of_most_persons_and_of_equals_the_last_one(log: list[Feedback]) -> None:
    word, kept = verdict(log), newest(log)
    if word is None:
        assert log == []
        return
    votes = {each: [one.at for one in kept if one.verdict is each] for each in Verdict}
    assert all((len(votes[word]), max(votes[word])) >= (len(at), max(at)) for at in votes.values() if at)


def test_one_persons_change_of_mind_can_turn_the_verdict() -> None:
    log = [Feedback("a-1", person, Verdict.ARTEFACT, "", 0) for person in ("Li Na", "Wang")]
    assert verdict(log) is Verdict.ARTEFACT
    assert verdict([*log, Feedback("a-1", "Wang", Verdict.USEFUL, "", 1)]) is Verdict.USEFUL


def test_an_alert_that_was_not_useful_was_true_and_a_wrong_limit_was_not() -> None:
    assert [word.value for word in Verdict if word.true] == ["useful", "not_useful"]


def test_the_true_share_counts_silence_of_all_devices_together() -> None:
    judged = [
        ("no_data.w-1", Verdict.USEFUL),
        ("no_data.manual.p-9", Verdict.ARTEFACT),
        ("news2", Verdict.WRONG_LIMIT),
    ]
    assert true_share(judged) == {"no_data": (1, 2), "news2": (0, 1)}


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_expected_share_is_never_certain_and_grows_with_true_alerts(true: int, false: int) -> None:
    share = expected_share(true, true + false)
    assert 0 < share < 1
    assert expected_share(true, true + false + 1) < share < expected_share(true + 1, true + false + 1)
