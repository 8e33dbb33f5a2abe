"""The meaning of a pack: names, units, sequence, quality, site."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.domain.errors import Refused
from vigil.domain.quality import Quality
from vigil.domain.readings import NO_SEQUENCE
from vigil.domain.vitals import BY_WIRE, VITALS
from vigil.wire import packs, senml

T = 1_767_225_600
HEAD = f'{{"bn":"urn:dev:w-1:","bt":{T},"n":"epoch","v":7}},{{"n":"seq","v":0}}'


def read(*records: str) -> packs.PackValues:
    return packs.read(f"[{','.join((HEAD, *records))}]".encode(), "w-1")


@dataclass(frozen=True)
class S:
    name: str
    t_us: int
    value: float | str | None
    quality: int = 0
    site: str | None = None


def test_a_plain_pack() -> None:
    pack = read('{"n":"hr","v":72}', '{"n":"temp","u":"Cel","v":36.8,"t":1.5}', '{"n":"avpu","vs":"V"}')
    assert (pack.epoch, pack.seq) == (7, 0)
    assert [VITALS[v].wire for v in pack.vital] == ["hr", "temp", "avpu"]
    assert pack.value == [72, 36.8, 2]
    assert pack.time_us == [T * 10**6, T * 10**6 + 1_500_000, T * 10**6]
    assert not pack.refused


@pytest.mark.parametrize(
    ("record", "name", "reason"),
    [
        ('{"n":"pulse","v":72}', "pulse", "unknown_name"),
        ('{"n":"hr","u":"Hz","v":1.2}', "hr", "unit_mismatch"),
        ('{"n":"temp","v":98.6}', "temp", "unit_missing"),
        ('{"n":"temp","u":"degF","v":98.6}', "temp", "unit_mismatch"),
        ('{"n":"wt","v":150}', "wt", "unit_missing"),
        ('{"n":"hr"}', "hr", "value_missing"),
        ('{"n":"hr","vb":true}', "hr", "value_missing"),
        ('{"n":"avpu","v":1}', "avpu", "value_missing"),
        ('{"n":"avpu","vs":"X"}', "avpu", "value_missing"),
        ('{"n":"avpu","vs":""}', "avpu", "value_missing"),
        ('{"n":"hr.q","v":1}', "hr.q", "value_missing"),
        ('{"n":"hr.q","vs":"bad"}', "hr.q", "value_missing"),
        ('{"n":"hr.site","vs":"wrist"}', "hr.site", "value_missing"),
        ('{"n":"hr","v":72,"t":1e30}', "hr", "time_in_future"),
    ],
)
def test_one_bad_value_leaves_the_others(record: str, name: str, reason: str) -> None:
    pack = read('{"n":"spo2","v":97}', record)
    assert pack.value == [97]
    assert [(item["name"], item["reason"]) for item in pack.refused] == [(name, reason)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('[{"bn":"urn:dev:w-2:","bt":1767225600,"n":"hr","v":72}]', "base_name_mismatch"),
        ('[{"n":"hr","v":72}]', "base_name_mismatch"),
        ('[{"bn":"urn:dev:w-1:","bt":1767225600,"n":"seq","v":1}]', "bad_sequence"),
        ('[{"bn":"urn:dev:w-1:","bt":1767225600,"n":"seq","v":1.5},{"n":"epoch","v":1}]', "bad_sequence"),
        ('[{"bn":"urn:dev:w-1:","bt":1767225600,"n":"seq","v":-1},{"n":"epoch","v":1}]', "bad_sequence"),
        (
            '[{"bn":"urn:dev:w-1:","bt":1767225600,"n":"seq","v":1},{"n":"epoch","v":1},{"n":"seq","v":2}]',
            "bad_sequence",
        ),
        ('[{"bn":"urn:dev:w-1:","bt":1767225600,"n":"seq","v":4294967295},{"n":"epoch","v":1}]', "bad_sequence"),
    ],
)
def test_packs_refused_whole(payload: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        packs.read(payload.encode(), "w-1")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ("", "time_missing"),
        ('"bt":-5,', "time_relative"),
        ('"bt":0,', "time_relative"),
        ('"bt":5,"t":-4.5,', "time_relative"),
        ('"t":3,', "time_relative"),
    ],
)
def test_times_that_say_nothing(times: str, reason: str) -> None:
    pack = packs.read(f'[{{"bn":"urn:dev:w-1:",{times}"n":"hr","v":72}}]'.encode(), "w-1")
    assert [item["reason"] for item in pack.refused] == [reason]
    assert not pack.sequenced


def test_a_base_time_is_absolute_however_small() -> None:
    pack = packs.read(b'[{"bn":"urn:dev:w-1:","bt":86400,"n":"hr","v":72,"t":1}]', "w-1")
    assert (pack.time_us, pack.refused) == ([86_401 * 10**6], [])


def test_quality_and_site_qualify_the_value_before_them() -> None:
    pack = read(
        '{"n":"hr","v":70}', '{"n":"hr.q","v":1}', '{"n":"hr.site","vs":"wrist"}',
        '{"n":"hr","v":72}', '{"n":"hr.site","vs":"finger"}',
        '{"n":"hr","v":80,"t":1}', '{"n":"hr.q","v":16,"t":1}',
    )  # fmt: skip
    assert pack.value == [70, 72, 80]
    assert pack.quality == [1, 0, 16]
    assert pack.site == ["wrist", "finger", ""]


def test_a_qualifier_may_come_first_when_there_is_one_value() -> None:
    pack = read('{"n":"hr.q","v":2}', '{"n":"hr","v":70}')
    assert (pack.value, pack.quality) == ([70], [2])


@pytest.mark.parametrize("records", [('{"n":"spo2.q","v":4}',), ('{"n":"spo2"}', '{"n":"spo2.q","v":4}')])
def test_tried_no_value(records: tuple[str, ...]) -> None:
    pack = read(*records)
    assert math.isnan(pack.value[0])
    assert pack.quality == [Quality.CONTACT_LOST | Quality.NO_VALUE]
    assert not pack.refused


def test_a_sender_cannot_set_the_platforms_bits() -> None:
    assert read('{"n":"hr","v":70}', '{"n":"hr.q","v":65535}').quality == [0x7F]


def test_sequence_of_a_refused_pack() -> None:
    assert packs.sequence_of(f'[{HEAD},{{"n":"hr","v":1,"x_":1}}]'.encode()) == (NO_SEQUENCE, NO_SEQUENCE)
    assert packs.sequence_of(f"[{HEAD}]".encode()) == (7, 0)
    assert packs.sequence_of(b"garbage") == (NO_SEQUENCE, NO_SEQUENCE)


@pytest.mark.parametrize("cbor", [False, True])
def test_what_is_written_is_read_back(cbor: bool) -> None:
    samples = [
        S("hr", T * 10**6, 72.0),
        S("spo2", T * 10**6, None, 4, None),
        S("temp", T * 10**6 + 250_000, 36.8, 1, "ear"),
        S("avpu", T * 10**6, "P"),
    ]
    pack = packs.read(packs.write("w-1", 3, 9, samples, cbor=cbor), "w-1")
    assert (pack.epoch, pack.seq, pack.refused) == (3, 9, [])
    found = {(VITALS[v].wire, t, s, q & 0xFF): x for v, t, s, q, x in zip(
        pack.vital, pack.time_us, pack.site, pack.quality, pack.value, strict=True)}  # fmt: skip
    assert math.isnan(found.pop(("spo2", T * 10**6, "", 4)))
    assert found == {
        ("hr", T * 10**6, "", 0): 72,
        ("temp", T * 10**6 + 250_000, "ear", 1): 36.8,
        ("avpu", T * 10**6, "", 0): 3,
    }


_sample = st.builds(
    S,
    st.sampled_from([kind.wire for kind in BY_WIRE.values() if not kind.codes]),
    st.integers(T * 10**6, T * 10**6 + 3600 * 10**6),
    st.integers(0, 300).map(float),
    st.integers(0, 31),
)


@given(st.lists(_sample, min_size=1, max_size=20, unique_by=lambda s: (s.name, s.t_us)), st.booleans())
def test_any_samples_survive_the_wire(samples: list[S], cbor: bool) -> None:
    pack = packs.read(packs.write("w-1", 1, 2, samples, cbor=cbor), "w-1")
    got = sorted(zip(pack.vital, pack.time_us, pack.value, pack.quality, strict=True))
    assert got == sorted((BY_WIRE[s.name].index, s.t_us, s.value, s.quality) for s in samples)


def test_a_full_pack_is_read_in_one_pass_over_its_qualifiers() -> None:
    samples = [S("hr", T * 10**6 + i * 10**6, 70.0, 1) for i in range(700)]
    payload = packs.write("w-1", 1, 2, samples)
    assert len(payload) <= senml.MAX_PACK_BYTES
    assert packs.read(payload, "w-1").quality == [1] * 700


def test_acknowledgement() -> None:
    assert packs.read_ack(packs.write_ack(5, 9)) == packs.Ack(5, 9)
    assert packs.read_ack(b"[]") is None
