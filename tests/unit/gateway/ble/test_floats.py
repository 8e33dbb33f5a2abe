"""IEEE 11073 floats: the page's table, the specials, and every 16-bit word against plain arithmetic."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ble.profiles.floats import Special, float32, sfloat


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("02 00", "2"),
        ("14 F0", "2.0"),
        ("C8 E0", "2.00"),
        ("02 10", "2E+1"),
        ("02 20", "2E+2"),
        ("D2 04", "1234"),
        ("2E 0B", "-1234"),
        ("01 FE", "-51.1"),
        ("01 02", "513"),
        ("FF 02", "767"),
        ("BE E0", "1.90"),
        ("FF F7", "204.7"),
        ("00 62", "5.12E+8"),
        ("62 80", "9.8E-7"),
        ("64 B0", "0.00100"),
        ("37 C0", "0.0055"),
    ],
)
def test_sfloat(word: str, shown: str) -> None:
    """The text of a decimal shows its precision as well."""
    assert str(sfloat(int.from_bytes(bytes.fromhex(word), "little"))) == shown


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("14 00 00 FF", "2.0"),
        ("C8 00 00 FE", "2.00"),
        ("2E FB FF 00", "-1234"),
        ("01 FE 03 FC", "26.1633"),
        ("01 02 03 04", "1.97121E+9"),
        ("70 01 00 FF", "36.8"),
        ("72 01 00 FF", "37.0"),
        ("DA 03 00 FF", "98.6"),
        ("02 00 00 01", "2E+1"),
    ],
)
def test_float32(word: str, shown: str) -> None:
    assert str(float32(int.from_bytes(bytes.fromhex(word), "little"))) == shown


@pytest.mark.parametrize(
    ("word16", "word32", "special"),
    [
        (0x07FF, 0x007FFFFF, Special.NAN),
        (0x0800, 0x00800000, Special.NRES),
        (0x07FE, 0x007FFFFE, Special.ABOVE),
        (0x0802, 0x00800002, Special.BELOW),
        (0x0801, 0x00800001, Special.RESERVED),
    ],
)
def test_specials_are_whole_words(word16: int, word32: int, special: Special) -> None:
    assert sfloat(word16) is special
    assert float32(word32) is special
    assert isinstance(sfloat(0x1000 | word16), Decimal)
    assert isinstance(float32(0x0100_0000 | word32), Decimal)


def test_every_16_bit_word() -> None:
    specials = 0
    for word in range(1 << 16):
        number = sfloat(word)
        if isinstance(number, Special):
            specials += 1
            continue
        mantissa = (word & 0x7FF) - (word & 0x800)
        exponent = (word >> 12 & 7) - (word >> 12 & 8)
        assert number == mantissa * Decimal(10) ** exponent
    assert specials == 5


@given(st.integers(-(1 << 23), (1 << 23) - 1), st.integers(-128, 127))
def test_a_32_bit_float_is_its_mantissa_and_exponent(mantissa: int, exponent: int) -> None:
    number = float32((exponent & 0xFF) << 24 | mantissa & 0xFFFFFF)
    if not isinstance(number, Special):
        assert number.as_tuple().exponent == exponent
        assert number.scaleb(-exponent) == mantissa
    else:
        assert exponent == 0
        assert (mantissa & 0xFFFFFF) in (*range(0x7FFFFE, 0x800003),)
