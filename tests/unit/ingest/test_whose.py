"""Weights through the pipeline, with a real store: what is marked and asked, and that no batch and no restart changes it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.manual import Entry
from tests.unit.ingest.rig import NOW, Rig, pack
from vigil.domain.people import MANUAL_PREFIX, Binding, Device
from vigil.domain.quality import GATED, Quality
from vigil.domain.times import DAY, HOUR, SECOND
from vigil.domain.whose import WEIGHT
from vigil.runtime.mqtt import Message

WHOSE = int(Quality.WHOSE_UNKNOWN)
BEGAN = NOW - 60 * DAY
#: (device, kg, days after ``BEGAN``)
Given = tuple[str, float, float]


def at_home(rig: Rig) -> Rig:
    """p-1 wears both scales; p-2's entries by a person have their device already."""
    rig.records.bound = [
        Binding(number, device, patient, 0, None)
        for number, (device, patient) in enumerate(
            [("w-1", "p-1"), ("w-2", "p-1"), (MANUAL_PREFIX + "p-1", "p-1"), (MANUAL_PREFIX + "p-2", "p-2")]
        )
    ]
    rig.records.known += [Device(MANUAL_PREFIX + "p-1", ""), Device(MANUAL_PREFIX + "p-2", "")]
    rig.records.changes += 1
    return rig


def messages(rig: Rig, weights: Sequence[Given], first: int = 0) -> list[Message]:
    """Each a pack of its own; history, so that the time of receipt says nothing."""
    found = []
    for seq, (device, kg, days) in enumerate(weights, first):
        at = (BEGAN + round(days * DAY)) / 1e6
        body = pack({"n": "wt", "u": "kg", "v": kg}, seq=seq, device=device, at=at)
        found.append(rig.message(body, device, f"rpm/v1/home/d/{device}/tel/backfill"))
    return found


def told(rig: Rig, weights: Sequence[Given], first: int = 0) -> list[float]:
    """One batch; the weights in it that were marked."""
    batch = rig.pipeline.run(messages(rig, weights, first))
    marked: list[float] = batch.value[(batch.quality & WHOSE) != 0].tolist()
    return marked


def weigh(rig: Rig, patient_id: str, kg: float, days: float) -> None:
    rig.pipeline.enter(Entry(patient_id, ((WEIGHT, kg, BEGAN + round(days * DAY)),), rig.clock.now_us()))


def test_a_partner_on_the_scale_is_stored_marked_and_asked_about(rig: Rig) -> None:
    at_home(rig)
    assert told(rig, [("w-1", 61.2, 0), ("w-1", 83.4, 1), ("w-1", 60.9, 1.01)]) == [83.4]
    assert rig.stored() == [("wt", 61.2), ("wt", 83.4), ("wt", 60.9)]
    (asked,) = rig.records.asked
    assert (asked.device_id, asked.patient_id, asked.weight.kg, asked.last.kg) == ("w-1", "p-1", 83.4, 61.2)
    assert (asked.weight.at, asked.last.at, asked.asked_at) == (BEGAN + DAY, BEGAN, rig.clock.now_us())
    latest = rig.store.latest()
    assert (latest.value[0], WHOSE & GATED) == (60.9, WHOSE), "the marked one is never the newest that counts"


def test_what_a_device_or_a_check_doubts_is_neither_asked_about_nor_compared_with(rig: Rig) -> None:
    at_home(rig)
    test = {"n": "wt.q", "v": int(Quality.TEST)}
    told(rig, [("w-1", 61.2, 0)])
    rig.send(pack({"n": "wt", "u": "kg", "v": 90.0}, test, seq=1, at=(BEGAN + DAY) / 1e6))
    rig.send(pack({"n": "wt", "u": "kg", "v": 19.0}, seq=2, at=(BEGAN + 2 * DAY) / 1e6))
    assert rig.records.asked == []
    assert told(rig, [("w-1", 61.0, 3)], first=3) == []


def test_other_vitals_may_jump(rig: Rig) -> None:
    at_home(rig)
    told(rig, [("w-1", 61.2, 0)])
    for seq, hr in enumerate((60, 140), 1):
        rig.send(pack({"n": "hr", "v": hr}, {"n": "sbp", "u": "mm[Hg]", "v": hr + 40}, seq=seq, at=NOW / 1e6 + seq))
    assert rig.records.asked == []


def test_after_an_answer_weights_are_compared_with_the_answered_one(rig: Rig) -> None:
    at_home(rig)
    assert told(rig, [("w-1", 61.2, 0), ("w-1", 70.0, 1), ("w-1", 70.2, 2)]) == [70.0, 70.2]
    weigh(rig, "p-1", 70.2, 2)
    assert told(rig, [("w-1", 70.4, 3), ("w-2", 70.1, 3.5), ("w-1", 61.5, 4)], first=3) == [61.5]


def test_an_answer_for_the_partner_moves_nothing_for_the_patient(rig: Rig) -> None:
    at_home(rig)
    assert told(rig, [("w-1", 61.2, 0), ("w-1", 83.4, 1)]) == [83.4]
    weigh(rig, "p-2", 83.4, 1)
    assert told(rig, [("w-1", 61.0, 2), ("w-1", 83.0, 2.1)], first=2) == [83.0]


def test_a_new_scale_knows_what_the_patient_weighs_and_a_first_weight_has_nothing_to_go_by(rig: Rig) -> None:
    at_home(rig)
    assert told(rig, [("w-2", 61.2, 0)]) == []
    assert told(rig, [("w-1", 83.4, 1)]) == [83.4]


def test_a_scale_handed_on_compares_nobody_with_the_one_before_also_for_late_values(rig: Rig, tmp_path: Path) -> None:
    at_home(rig)
    moment = BEGAN + 10 * DAY
    rig.records.bound = [Binding(1, "w-1", "p-1", 0, moment), Binding(2, "w-1", "p-2", moment, None)]
    rig.records.changes += 1
    assert told(rig, [("w-1", 61.2, 0), ("w-1", 83.4, 10), ("w-1", 83.0, 11)]) == []
    rig.restart(tmp_path)
    assert told(rig, [("w-1", 61.0, 9), ("w-1", 83.1, 9.5), ("w-1", 61.3, 12)], first=3) == [83.1, 61.3]


def test_in_a_span_that_is_nobodys_nothing_is_asked(rig: Rig) -> None:
    at_home(rig)
    rig.records.bound = [Binding(1, "w-1", "p-1", 0, BEGAN + HOUR)]
    rig.records.changes += 1
    assert told(rig, [("w-1", 61.2, 0), ("w-1", 90.0, 1)]) == []


def test_past_many_marked_ones_the_last_that_counted_is_found(rig: Rig, tmp_path: Path) -> None:
    """On a scale handed on, where the newest value is of somebody else: more marked ones than one look reads."""
    at_home(rig)
    moment = BEGAN + 5 * DAY
    rig.records.bound = [Binding(1, "w-1", "p-1", 0, moment), Binding(2, "w-1", "p-2", moment, None)]
    rig.records.changes += 1
    partner = [("w-1", 90.0, 1 + number / 100) for number in range(150)]
    assert len(told(rig, [("w-1", 61.2, 0), *partner, ("w-1", 75.0, 6)])) == 150
    rig.restart(tmp_path)
    assert told(rig, [("w-1", 90.0, 4), ("w-1", 61.0, 4.1)], first=152) == [90.0]


def test_a_resent_pack_asks_once(rig: Rig) -> None:
    at_home(rig)
    sent: list[Given] = [("w-1", 61.2, 0), ("w-1", 83.4, 1)]
    told(rig, sent)
    assert told(rig, sent) == []
    assert len(rig.records.asked) == 1


_STEADY = st.lists(st.tuples(st.floats(-2, 2), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=12)
@given(start=st.floats(45, 150), visits=_STEADY, partner=st.floats(0.1, 0.4), heavier=st.booleans())
def test_a_person_who_loses_a_kilogram_a_week_is_never_asked_and_the_partner_always(
    start: float, visits: list[tuple[float, bool]], partner: float, heavier: bool
) -> None:
    """Weighed twice a week, off by up to 2 kg (clothes, meals, the scale); on some days the partner weighs himself too."""
    away = max(partner * start, 8.0) * (1 if heavier else -1)
    weights: list[Given] = []
    partners = []
    for visit, (off, both) in enumerate(visits):
        own = round(start - visit / 2 + off, 1)
        weights.append(("w-1", own, visit * 3.5))
        if both:
            # further from any weight of these six weeks than the patient himself can be
            far = round(start + away + (12 if heavier else -12), 1)
            partners.append(far)
            weights.append(("w-1", far, visit * 3.5 + 0.01))
    weights = [one for one in weights if one[1] >= 20]
    with TemporaryDirectory() as folder:
        rig = at_home(Rig(Path(folder)))
        assert told(rig, weights) == [one for one in partners if one >= 20]
        rig.store.close()


_ANY = st.lists(
    st.tuples(st.sampled_from(["w-1", "w-2"]), st.sampled_from([58.0, 61.0, 64.5, 70.0, 83.0]), st.integers(0, 40)),
    min_size=2,
    max_size=10,
    unique_by=lambda one: one[2],
)


@settings(max_examples=12)
@given(weights=_ANY, cuts=st.sets(st.integers(1, 9)), restarts=st.booleans())
def test_any_split_into_batches_and_any_restart_gives_the_same_marks(
    weights: list[Given], cuts: set[int], restarts: bool
) -> None:
    """In any order of measured time."""
    found = []
    for splits in (set[int](), cuts):
        with TemporaryDirectory() as folder:
            rig = at_home(Rig(Path(folder)))
            edges = [0, *sorted(cut for cut in splits if cut < len(weights)), len(weights)]
            marks: list[float] = []
            for start, end in itertools.pairwise(edges):
                marks += told(rig, weights[start:end], first=start)
                if restarts:
                    rig.restart(Path(folder))
            found.append((marks, [(one.weight, one.last) for one in rig.records.asked]))
            rig.store.close()
    assert found[0] == found[1]


def test_one_pack_with_several_weights(rig: Rig) -> None:
    at_home(rig)
    weights = [{"n": "wt", "u": "kg", "v": kg, "t": place * 60} for place, kg in enumerate((61.0, 84.0, 61.4))]
    batch = rig.send(pack(*weights, at=(NOW - HOUR) / SECOND))
    assert ((batch.quality & np.uint16(WHOSE)) != 0).tolist() == [False, True, False]
