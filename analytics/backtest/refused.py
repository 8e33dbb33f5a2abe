"""Rows of a table that are no readings: the closed list of reasons, and what is remembered of them.

Where ingest refuses a value for the same reason, the code is the same (``vigil.domain.errors.RefusalReason``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from vigil.domain.readings import I64

#: So many refused rows are kept by number; the others are only counted.
EXAMPLES = 20


class RowReason(StrEnum):
    """Why a row of a table is not a reading. Never free text."""

    UNREADABLE_LINE = "unreadable_line"
    PATIENT_MISSING = "patient_missing"
    BAD_NAME = "bad_name"
    UNKNOWN_PATIENT = "unknown_patient"
    NO_PATIENT = "no_patient"
    UNKNOWN_VITAL = "unknown_name"
    TIME_MISSING = "time_missing"
    TIME_UNREADABLE = "time_unreadable"
    TIME_WITHOUT_ZONE = "time_without_zone"
    TIME_RELATIVE = "time_relative"
    TIME_TOO_FAR = "time_too_far"
    TIME_IN_FUTURE = "time_in_future"
    NOT_A_NUMBER = "not_a_number"
    BAD_QUALITY = "bad_quality"
    BAD_SEQUENCE = "bad_sequence"
    OUT_OF_RANGE = "out_of_range"
    PAIR_REFUSED = "pair_refused"


#: One sentence each, for the person who made the table. A test checks that none is missing.
ROW_REASON_TEXT: dict[RowReason, str] = {
    RowReason.UNREADABLE_LINE: "the line has not as many fields as the header, a stray quote, or is not UTF-8",
    RowReason.PATIENT_MISSING: "no patient is given",
    RowReason.BAD_NAME: "patient, device and site hold the control character 0x1F or are longer than 200 letters together",
    RowReason.UNKNOWN_PATIENT: "the patient is not one of the known ones",
    RowReason.NO_PATIENT: "the device was not bound to a patient at the measured time",
    RowReason.UNKNOWN_VITAL: "the vital is not a canonical name such as heart_rate",
    RowReason.TIME_MISSING: "no time is given",
    RowReason.TIME_UNREADABLE: "the time is neither ISO 8601 such as 2026-01-01T00:00:00Z nor epoch milliseconds",
    RowReason.TIME_WITHOUT_ZONE: "the time has no zone: add Z or an offset",
    RowReason.TIME_RELATIVE: "the time is before July 1978: it is relative, or epoch seconds instead of milliseconds",
    RowReason.TIME_TOO_FAR: "the time is after the year 2999",
    RowReason.TIME_IN_FUTURE: "the time is more than 24 h ahead of its receipt",
    RowReason.NOT_A_NUMBER: "the value is not a finite number (for consciousness: A, C, V, P, U or 0 to 4)",
    RowReason.BAD_QUALITY: "the quality is not a sum of the known bits",
    RowReason.BAD_SEQUENCE: "seq is not a whole number from 0 to 4294967294",
    RowReason.OUT_OF_RANGE: "the value is outside what a sensor on a living adult can report",
    RowReason.PAIR_REFUSED: "the other half of the blood pressure pair was refused",
}


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """``row``: as a person counts, the header of a CSV being row 1; in Parquet the first is 1; of a store, the ordinal.
    ``column``: where the fault is; empty = the whole row."""

    row: int
    reason: RowReason
    column: str

    def __str__(self) -> str:
        where = f" (column {self.column})" if self.column else ""
        return f"row {self.row}{where}: {ROW_REASON_TEXT[self.reason]}"


@dataclass(frozen=True, slots=True)
class Refused:
    """How many rows were refused for each reason, and the first ``EXAMPLES`` of them by row number."""

    counts: dict[RowReason, int] = field(default_factory=dict)
    examples: tuple[RefusedRow, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Fault:
    """Rows with one and the same fault, by row number."""

    reason: RowReason
    column: str
    rows: I64


def summed(faults: list[Fault]) -> Refused:
    counts: dict[RowReason, int] = {}
    examples: list[RefusedRow] = []
    for fault in faults:
        if fault.rows.size:
            counts[fault.reason] = counts.get(fault.reason, 0) + int(fault.rows.size)
            first = np.sort(fault.rows)[:EXAMPLES].tolist()
            examples += [RefusedRow(row, fault.reason, fault.column) for row in first]
    examples.sort(key=lambda one: one.row)
    return Refused(dict(sorted(counts.items())), tuple(examples[:EXAMPLES]))
