"""The one table of vital kinds is sound, and every other table agrees with it."""

from vigil.domain.policy import DEFAULT_POLICY, validate
from vigil.domain.vitals import BY_NAME, BY_WIRE, VITALS, loinc_check_digit_ok

#: The closed list of the wire contract, in the order of the table; new names go to the end.
CONTRACT = ("hr spo2 rr sbp dbp map temp skin wt glu-mgdl glu-mmol fio2 o2flow avpu gcs pi steps hrv batt rssi").split()  # noqa: SIM905 - a list of words reads best as words


def test_wire_names_are_those_of_the_contract() -> None:
    assert [kind.wire for kind in VITALS] == CONTRACT


def test_every_row_is_sound() -> None:
    assert len(BY_NAME) == len(BY_WIRE) == len(VITALS)
    for place, kind in enumerate(VITALS):
        assert kind.index == place
        assert kind.reject[0] <= kind.plausible[0] < kind.plausible[1] <= kind.reject[1], kind.name
        assert all(loinc_check_digit_ok(code) for code in kind.loinc), kind.name
        assert kind.title
        assert kind.digits in (0, 1)


def test_mdc_codes_lie_in_the_partitions_that_the_reference_names() -> None:
    assert {kind.mdc // 65536 for kind in VITALS if kind.mdc is not None} <= {1, 2, 128, 129, 130}


def test_the_starting_policy_is_valid() -> None:
    validate(DEFAULT_POLICY)
