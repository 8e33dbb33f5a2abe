"""The whole error tree of Vigil, and the one closed list of reasons for refusing telemetry.

    VigilError
    ├── ConfigError            a setting is wrong: one line, exit 2
    ├── PortTaken              another program listens there: one line, exit 2
    ├── BrokerError            the MQTT broker cannot be reached or started
    ├── StoreError             a database failed or is damaged
    │   └── VersionConflict    the record changed since it was read (HTTP 409)
    ├── NotFound               no such record, or not yours to see (HTTP 404)
    ├── InvalidInput           a request that cannot be carried out (HTTP 422)
    │   └── TableError         a table of readings for a back-test that cannot be read
    ├── PolicyError            a monitoring policy that contradicts itself; lists every reason
    ├── ModelError             a risk model that cannot be trusted or used; names the model and the file
    ├── TeamError              a team that would leave somebody uncalled, or cannot be read; lists every reason
    ├── ScenarioError          a simulator scenario, ward or recording that cannot be used
    ├── SpoolError             the gateway's spool cannot be read or written
    ├── BluetoothError         no adapter, or a peripheral that cannot be reached or read
    │   └── PairingLost        it does not know this gateway any more
    ├── BadFrame               a Bluetooth peripheral sent bytes that break their layout; keeps them as hex
    ├── ServerUnreachable      the Vigil API did not answer
    ├── SupervisionError       a process of Vigil did not start
    └── Refused                telemetry that is kept as a dead letter, with a RefusalReason

Library errors are translated into this tree where they are caught; the cause is kept.
"""

from __future__ import annotations

from enum import StrEnum


class VigilError(Exception):
    """Root of every error that Vigil raises on purpose."""


class ConfigError(VigilError):
    pass


class PortTaken(ConfigError):
    pass


class BrokerError(VigilError):
    pass


class StoreError(VigilError):
    pass


class VersionConflict(StoreError):
    pass


class NotFound(VigilError):
    pass


class InvalidInput(VigilError):
    pass


class TableError(InvalidInput):
    pass


class PolicyError(InvalidInput):
    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class ModelError(VigilError):
    pass


class TeamError(InvalidInput):
    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class ScenarioError(VigilError):
    pass


class SpoolError(VigilError):
    pass


class BluetoothError(VigilError):
    pass


class PairingLost(BluetoothError):
    pass


class BadFrame(VigilError):
    """``characteristic`` by name; ``frame`` in hex, with a space after each byte."""

    def __init__(self, characteristic: str, frame: bytes, why: str) -> None:
        self.characteristic = characteristic
        self.frame = frame.hex(" ")
        super().__init__(f"{characteristic}: {why}: {self.frame or 'no bytes'}")


class ServerUnreachable(VigilError):
    pass


class SupervisionError(VigilError):
    pass


class RefusalReason(StrEnum):
    """Why a pack or a value became a dead letter. Serves as metric label and in the API; never free text."""

    BAD_TOPIC = "bad_topic"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    NOT_A_PACK = "not_a_pack"
    WRONG_TYPE = "wrong_type"
    UNSUPPORTED_LABEL = "unsupported_label"
    BASE_NAME_MISMATCH = "base_name_mismatch"
    BAD_SEQUENCE = "bad_sequence"
    SEQUENCE_CONFLICT = "sequence_conflict"
    TIME_MISSING = "time_missing"
    TIME_RELATIVE = "time_relative"
    TIME_TOO_OLD = "time_too_old"
    TIME_IN_FUTURE = "time_in_future"
    UNKNOWN_NAME = "unknown_name"
    VALUE_MISSING = "value_missing"
    UNIT_MISSING = "unit_missing"
    UNIT_MISMATCH = "unit_mismatch"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    PAIR_REFUSED = "pair_refused"
    UNKNOWN_DEVICE = "unknown_device"
    RATE_LIMITED = "rate_limited"
    NEVER_SENT = "never_sent"


#: One sentence each, for the firmware maker who reads the dead letter. A test checks that none is missing.
REASON_TEXT: dict[RefusalReason, str] = {
    RefusalReason.BAD_TOPIC: "the topic is not of the form rpm/v1/{tenant}/d/{device}/tel/{vitals|backfill}",
    RefusalReason.TOO_LARGE: "the payload is larger than 64 KiB",
    RefusalReason.MALFORMED: "the payload is neither valid JSON nor valid CBOR",
    RefusalReason.NOT_A_PACK: "the payload is not a SenML pack: a non-empty array of records",
    RefusalReason.WRONG_TYPE: "a SenML field has a value of the wrong type",
    RefusalReason.UNSUPPORTED_LABEL: "a label ends with '_' (must be understood) and is not known here",
    RefusalReason.BASE_NAME_MISMATCH: "the base name names another device than the topic",
    RefusalReason.BAD_SEQUENCE: "epoch and seq must both be whole numbers from 0 to 4294967294, once per pack",
    RefusalReason.SEQUENCE_CONFLICT: "this epoch and seq were already used for a pack with other content",
    RefusalReason.TIME_MISSING: "the record has no time: give an absolute bt in the first record",
    RefusalReason.TIME_RELATIVE: "the time is relative, zero or negative: send absolute Unix seconds",
    RefusalReason.TIME_TOO_OLD: "the time is before 2015: the clock was never set, and by how much it is wrong is not known",
    RefusalReason.TIME_IN_FUTURE: "the time is more than 24 h ahead of its receipt, and not by an amount that is known",
    RefusalReason.UNKNOWN_NAME: "the name is not in the table of vital signs",
    RefusalReason.VALUE_MISSING: "the record has no value, or a value of the wrong kind for its name",
    RefusalReason.UNIT_MISSING: "this name must carry its unit",
    RefusalReason.UNIT_MISMATCH: "the unit is not the one that the table binds to this name",
    RefusalReason.NOT_FINITE: "the value is not a finite number",
    RefusalReason.OUT_OF_RANGE: "the value is outside what a sensor on a living adult can report",
    RefusalReason.PAIR_REFUSED: "the other half of the blood pressure pair was refused",
    RefusalReason.UNKNOWN_DEVICE: "no device with this identifier is registered",
    RefusalReason.RATE_LIMITED: "more came than the platform takes: send slower, and again what is not acknowledged",
    RefusalReason.NEVER_SENT: "the sender has what had these numbers no more, or never offered it when asked",
}


class Refused(VigilError):
    """Telemetry that cannot be stored; ``detail`` never holds a patient's identifier."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
