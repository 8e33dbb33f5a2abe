"""IEEE 11073 floats: mantissa × 10^exponent, both two's complement. The exponent carries the precision, so that it is kept."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum


class Special(Enum):
    """Words that are no number; the text goes into notes."""

    NAN = "not a number"
    NRES = "not at this resolution"
    ABOVE = "above what the device can tell"
    BELOW = "below what the device can tell"
    RESERVED = "a reserved word"


Number = Decimal | Special

#: The whole word counts, not its mantissa alone: 0xF7FF is 204.7. (Table in ``reference/ble_gatt`` section 1.)
_SFLOAT_SPECIALS = {
    0x07FF: Special.NAN,
    0x0800: Special.NRES,
    0x07FE: Special.ABOVE,
    0x0802: Special.BELOW,
    0x0801: Special.RESERVED,
}
_FLOAT_SPECIALS = {
    0x007FFFFF: Special.NAN,
    0x00800000: Special.NRES,
    0x007FFFFE: Special.ABOVE,
    0x00800002: Special.BELOW,
    0x00800001: Special.RESERVED,
}


def sfloat(raw: int) -> Number:
    """A 16-bit word: 4 bits exponent, 12 bits mantissa.

    >>> sfloat(0xF014), sfloat(0xE0C8), sfloat(0x07FF)
    (Decimal('2.0'), Decimal('2.00'), <Special.NAN: 'not a number'>)
    """
    special = _SFLOAT_SPECIALS.get(raw)
    return special if special is not None else _number(_signed(raw & 0xFFF, 12), _signed(raw >> 12, 4))


def float32(raw: int) -> Number:
    """A 32-bit word: 8 bits exponent, 24 bits mantissa.

    >>> float32(0xFF000170)
    Decimal('36.8')
    """
    special = _FLOAT_SPECIALS.get(raw)
    return special if special is not None else _number(_signed(raw & 0xFFFFFF, 24), _signed(raw >> 24, 8))


def _number(mantissa: int, exponent: int) -> Decimal:
    return Decimal(mantissa).scaleb(exponent)


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if raw >> (bits - 1) else raw
