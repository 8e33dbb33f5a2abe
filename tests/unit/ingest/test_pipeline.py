"""One micro-batch through every step, with a real store: what is kept, refused, dropped, acknowledged."""

import itertools
import json
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.manual import Entry
from tests.unit.ingest.rig import HR, NOW, Rig, pack
from vigil.domain.errors import REASON_TEXT, RefusalReason
from vigil.domain.people import Binding
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_NAME

SECOND = 10**6


def test_a_good_pack_is_stored_handed_on_and_acknowledged(rig: Rig) -> None:
    batch = rig.send(pack(HR, {"n": "spo2", "v": 97}))
    assert rig.stored() == [("hr", 72), ("spo2", 97)]
    assert batch.ordinal.tolist() == [1, 2]
    handed_on = rig.handed_on.next(0)
    assert handed_on is not None
    assert handed_on.ordinal.tolist() == [1, 2]
    rig.pipeline.flush()
    assert rig.published == [("rpm/v1/home/d/w-1/cmd/ack", {"epoch": 1, "seq": 0})]
    assert rig.dead() == []


BAD: list[tuple[Any, str, str]] = [
    (b"[nonsense", "w-1", "malformed"),
    (b"{nonsense", "w-1", "not_a_pack"),
    (b"[]", "w-1", "not_a_pack"),
    (pack({"n": "hr", "v": "72"}), "w-1", "wrong_type"),
    (b"[" + b" " * 65536, "w-1", "too_large"),
    (pack(HR, device="w-2"), "w-1", "base_name_mismatch"),
    (pack({"n": "pulse", "v": 72}), "w-1", "unknown_name"),
    (pack({"n": "hr", "u": "Hz", "v": 1}), "w-1", "unit_mismatch"),
    (pack({"n": "temp", "v": 36.8}), "w-1", "unit_missing"),
    (pack({"n": "temp", "u": "Cel", "v": 98.6}), "w-1", "out_of_range"),
    (pack({"n": "hr", "v": 351}), "w-1", "out_of_range"),
    (pack({"n": "spo2", "v": -1}), "w-1", "out_of_range"),
    (pack(HR, at=0), "w-1", "time_relative"),
    (pack(HR, at=-5), "w-1", "time_relative"),
    (pack(HR, at=4294967295), "w-1", "time_in_future"),
    (pack(HR, device="w-9"), "w-9", "unknown_device"),
]


@pytest.mark.parametrize(("payload", "device", "reason"), BAD)
def test_bad_input_has_its_reason_its_count_and_its_dead_letter(
    rig: Rig, payload: Any, device: str, reason: str
) -> None:
    messages = [rig.message(payload, device), rig.message(pack(HR, device="w-2"), "w-2")]
    rig.pipeline.run(messages)
    assert rig.stored() == [("hr", 72)], "the good pack beside it is not harmed"
    (letter,) = rig.dead()
    assert (letter.reason, letter.device_id, letter.payload) == (reason, device, messages[0].payload)
    assert rig.count("ingest_packs_refused_total") + rig.count("ingest_values_refused_total") == 1
    assert reason in rig.metrics.text().decode()
    assert RefusalReason(reason) in REASON_TEXT


def test_cbor_nan_is_refused_by_value(rig: Rig) -> None:
    rig.send(cbor2.dumps([{-2: "urn:dev:w-1:", -3: NOW / 1e6, 0: "hr", 2: float("nan")}, {0: "rr", 2: 16}]))
    assert rig.stored() == [("rr", 16)]
    assert rig.dead()[0].values == ({"name": "hr", "reason": "not_finite", "detail": ""},)


def test_a_pack_with_some_bad_values_stores_the_good_ones_and_one_dead_letter(rig: Rig) -> None:
    rig.send(pack(HR, {"n": "spo2", "v": 150}, {"n": "pulse", "v": 1}, {"n": "rr", "v": 16}))
    assert rig.stored() == [("hr", 72), ("rr", 16)]
    (letter,) = rig.dead()
    assert {item["name"]: item["reason"] for item in letter.values} == {"spo2": "out_of_range", "pulse": "unknown_name"}
    rig.pipeline.flush()
    assert rig.published[-1][1] == {"epoch": 1, "seq": 0}, "kept as a dead letter counts as safe"


@pytest.mark.parametrize("bad", [{"n": "sbp", "v": 16, "u": "mmHg"}, {"n": "sbp", "v": 16.1, "u": "kPa"}])
def test_half_a_blood_pressure_is_refused_with_the_other_half(rig: Rig, bad: dict[str, Any]) -> None:
    rig.send(pack(bad, {"n": "dbp", "v": 10.4}, HR))
    assert rig.stored() == [("hr", 72)]
    assert {item["name"]: item["reason"] for item in rig.dead()[0].values}["dbp"] == "pair_refused"


def test_a_refused_pack_in_the_middle_is_passed_by_the_acknowledgement(rig: Rig) -> None:
    rig.send(pack(HR, seq=0))
    rig.send(pack({"n": "nonsense", "v": 1}, seq=1))
    rig.send(pack(HR, seq=2))
    rig.pipeline.flush()
    assert rig.published == [("rpm/v1/home/d/w-1/cmd/ack", {"epoch": 1, "seq": 2})]


def test_a_gap_stops_the_acknowledgement_until_it_is_filled(rig: Rig) -> None:
    for seq in (0, 2, 3):
        rig.send(pack(HR, seq=seq))
    rig.pipeline.flush()
    rig.clock.advance(1)
    rig.send(pack(HR, seq=1))
    rig.pipeline.flush()
    assert [ack["seq"] for _, ack in rig.published] == [0, 3]


def test_acknowledgements_are_coalesced_to_one_a_second(rig: Rig) -> None:
    for seq in range(5):
        rig.send(pack(HR, seq=seq))
        rig.pipeline.flush()
        rig.clock.advance(0.1)
    assert [ack["seq"] for _, ack in rig.published] == [0]
    rig.clock.advance(1)
    rig.pipeline.flush()
    assert [ack["seq"] for _, ack in rig.published] == [0, 4]


def test_duplicates_are_dropped_counted_and_acknowledged_again_also_after_a_restart(rig: Rig, tmp_path: Path) -> None:
    rig.send(pack(HR))
    rig.pipeline.run([rig.message(pack(HR)), rig.message(pack(HR))])
    rig.restart(tmp_path)
    rig.clock.advance(2)
    rig.send(pack(HR))
    assert rig.stored() == [("hr", 72)]
    assert rig.count("ingest_packs_duplicate_total") == 3
    assert rig.dead() == []
    rig.pipeline.flush()
    assert rig.published[-1][1] == {"epoch": 1, "seq": 0}


def test_the_same_number_with_other_content_is_a_conflict_and_kept(rig: Rig) -> None:
    rig.send(pack(HR))
    rig.send(pack({"n": "hr", "v": 99}))
    assert rig.stored() == [("hr", 72)]
    assert [letter.reason for letter in rig.dead()] == ["sequence_conflict"]


def test_a_new_epoch_starts_its_numbers_anew(rig: Rig) -> None:
    rig.send(pack(HR, epoch=1))
    rig.send(pack(HR, epoch=2))
    assert len(rig.stored()) == 2


def test_a_clock_that_was_never_set_tells_no_value_from_another(rig: Rig) -> None:
    """It starts at the same time again after each loss of power; without seq nothing else tells the values apart."""
    for value in (72, 75):
        rig.send([{"bn": "urn:dev:w-1:", "bt": 40, "n": "hr", "v": value}])
        rig.clock.advance(3600)
    assert rig.stored() == [("hr", 72), ("hr", 75)]


def test_senders_without_seq_are_deduplicated_by_value_over_all_history(rig: Rig, tmp_path: Path) -> None:
    rig.send(pack(HR, {"n": "rr", "v": 16}, seq=None))
    rig.restart(tmp_path)
    rig.send(pack(HR, {"n": "spo2", "v": 97}, seq=None))
    assert sorted(rig.stored()) == [("hr", 72), ("rr", 16), ("spo2", 97)]
    rig.pipeline.flush()
    assert rig.published == [], "who has no numbers gets no acknowledgement"


def test_the_same_value_from_two_sites_is_two_readings(rig: Rig) -> None:
    rig.send(pack(HR, {"n": "hr.site", "vs": "wrist"}, {"n": "hr", "v": 74}, {"n": "hr.site", "vs": "finger"}))
    assert rig.stored() == [("hr", 72), ("hr", 74)]
    assert {s.site for s in rig.store.streams()} == {"wrist", "finger"}


def test_a_clock_a_little_ahead_is_stored_at_receipt_and_marked(rig: Rig) -> None:
    batch = rig.send(pack(HR, at=NOW / 1e6 + 3600))
    assert batch.measured_at.tolist() == [NOW]
    assert batch.device_time.tolist() == [NOW + 3600 * SECOND]
    assert batch.quality.tolist() == [Quality.CLOCK_AHEAD]
    within = rig.send(pack(HR, at=NOW / 1e6 + 4, seq=1))
    assert within.measured_at.tolist() == [NOW + 4 * SECOND]


def test_an_implausible_value_is_kept_and_marked(rig: Rig) -> None:
    assert rig.send(pack({"n": "hr", "v": 310})).quality.tolist() == [Quality.IMPLAUSIBLE]


def test_a_lost_contact_is_a_reading_without_value(rig: Rig) -> None:
    batch = rig.send(pack({"n": "spo2.q", "v": 4}))
    assert np.isnan(batch.value).all()
    assert batch.quality.tolist() == [Quality.CONTACT_LOST | Quality.NO_VALUE]


def test_a_binding_ends_to_the_microsecond(rig: Rig) -> None:
    end = NOW / 1e6 + 10
    rig.clock.advance(60)
    rig.send(pack({"n": "hr", "v": 70, "t": -0.000001}, {"n": "hr", "v": 71}, device="w-2", at=end), "w-2")
    assert rig.count("ingest_values_unbound_total") == 1


def test_what_nobody_wore_is_stored_and_a_new_binding_is_seen_at_once(rig: Rig) -> None:
    rig.send(pack(HR, device="w-3"), "w-3")
    rig.records.bound = [*rig.records.bound, Binding(3, "w-3", "p-3", 0, None)]
    rig.records.changes += 1
    rig.send(pack(HR, device="w-3", seq=1), "w-3")
    assert rig.stored() == [("hr", 72), ("hr", 72)]
    assert rig.dead() == []
    assert rig.count("ingest_values_unbound_total") == 1


def test_what_a_person_enters_goes_through_the_same_commit(rig: Rig) -> None:
    entry = Entry("p-1", ((BY_NAME["consciousness"].index, 1.0, NOW),), NOW)
    rig.pipeline.enter(entry)
    assert entry.done.result(0) == [1]
    assert rig.stored() == [("avpu", 1)]
    batch = rig.store.after(0, 1)
    assert batch.quality.tolist() == [Quality.MANUAL]


def test_every_reason_has_words() -> None:
    assert set(REASON_TEXT) == set(RefusalReason)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(12)), cuts=st.sets(st.integers(1, 23)), again=st.lists(st.integers(0, 11), max_size=12)
)
def test_any_order_split_and_repetition_store_the_same_set(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cuts: set[int], again: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("rig")
    rig = Rig(folder)
    messages = [rig.message(pack({"n": "hr", "v": 60 + seq}, seq=seq, at=NOW / 1e6 - seq)) for seq in [*order, *again]]
    edges = [0, *sorted(cut for cut in cuts if cut < len(messages)), len(messages)]
    for start, end in itertools.pairwise(edges):
        rig.pipeline.run(messages[start:end])
    assert sorted(rig.stored()) == [("hr", 60.0 + seq) for seq in range(12)]
    rig.clock.advance(2)
    rig.pipeline.run([messages[0]])
    rig.pipeline.flush()
    assert rig.published[-1][1] == {"epoch": 1, "seq": 11}
    rig.store.close()


_field = st.sampled_from(["bn", "bt", "bu", "bv", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "x_"])
_text = st.sampled_from(
    ["hr", "spo2", "spo2.q", "hr.site", "avpu", "sbp", "dbp", "temp", "epoch", "seq", "urn:dev:w-1:", "Cel", "A", ""]
)
_value = (
    _text
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.booleans()
    | st.none()
    | st.sampled_from([NOW / 1e6, 0, 1, 4])
)
_record = st.dictionaries(_field, _value, max_size=5)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(_record, min_size=1, max_size=6), cbor=st.booleans(), good_head=st.booleans())
def test_nothing_that_a_sender_makes_up_stops_the_stream(
    rig: Rig, records: list[dict[str, Any]], cbor: bool, good_head: bool
) -> None:
    """A pack of plausible labels with wild values: the pack after it must still be stored."""
    if good_head:
        records = [{"bn": "urn:dev:w-1:", "bt": NOW / 1e6}, *records]
    payload = cbor2.dumps(records) if cbor else json.dumps(records).encode()
    before = rig.store.head()
    rig.pipeline.run(
        [rig.message(payload), rig.message(pack(HR, seq=None, device="w-2", at=NOW / 1e6 - before), "w-2")]
    )
    assert rig.store.head() > before
