"""Parameter rows that many slots share: one profile for each (policy, vital, times of the stream)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.detectors.contract import ON, Detector
from analytics.detectors.limit import limit_columns
from analytics.engine.stack import most_of
from analytics.quality import GATES, gate_row
from vigil.domain.policy import Policy
from vigil.domain.readings import F64, I64
from vigil.domain.times import SECOND
from vigil.domain.vitals import VITALS

#: Profile 0: nothing watches the slot.
NOBODY = 0
_SIDES = ("low", "high")
#: Detectors whose parameters the policy alone gives: without a rule for a vital they are off there.
_OF_POLICY = ("limit", "unverified")


class Profiles:
    """``param``: by detector the table (profiles, 1 + parameters); ``delay`` by detector (profiles, 2), ``clear`` and ``gap``
    (profiles,) microseconds; ``gate``: that of ``gate_of``; ``failed``: numbers of the detectors that are off everywhere."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors
        self._known: dict[tuple[str, int, bool, int, int], int] = {}
        self.param: list[F64] = [np.zeros((1, 1 + len(each.parameters))) for each in detectors]
        self.delay: list[I64] = [np.zeros((1, 2), np.int64) for _ in detectors]
        self._delays = np.zeros((len(detectors), 0, 2), np.int64)
        self.failed: set[int] = set()
        self._table: tuple[tuple[F64, I64], tuple[int, int]] | None = None
        self.clear: I64 = np.zeros(1, np.int64)
        self.gap: I64 = np.zeros(1, np.int64)
        self.gate: F64 = np.zeros((1, len(gate_row("", False))))

    def of(self, policy: Policy, version: str, vital: int, quick: bool, clear: int, gap: int) -> int:
        """The profile of a slot; ``version`` names the policy's content; ``quick``: see
        ``quality.gate_row``; ``clear``: normal values must go on so long to end a
        condition; ``gap``: a longer silence breaks that; microseconds."""
        key = (version, vital, quick, clear, gap)
        if key not in self._known:
            name = VITALS[vital].name
            self._known[key] = self.gate.shape[0]
            self.gate = _with_row(self.gate, gate_row(name, quick))
            self.clear, self.gap = np.append(self.clear, clear), np.append(self.gap, gap)
            for number, detector in enumerate(self._detectors):
                values, delay_s = _chosen(detector, policy, name)
                off = values is None and detector.name in _OF_POLICY
                row = [0.0] * (1 + len(detector.parameters)) if off else detector.row(name, values)
                self.param[number] = _with_row(self.param[number], row)
                self.delay[number] = _with_row(self.delay[number], [round(each * SECOND) for each in delay_s])
        return self._known[key]

    @property
    def delays(self) -> I64:
        """(detectors, profiles, 2), microseconds."""
        if self._delays.shape[1] != self.gate.shape[0]:
            self._delays = np.stack(self.delay)
        return self._delays

    @property
    def table(self) -> tuple[F64, I64]:
        """Every parameter in one row a profile: the gate's, then each detector's. And (profiles, gates): bit d is set where
        detector d is given such a reading."""
        made_of = (self.gate.shape[0], len(self.failed))
        if self._table is None or self._table[1] != made_of:
            columns = [each * (number not in self.failed) for number, each in enumerate(self.param)]
            given_to = np.zeros((self.gate.shape[0], len(GATES)), np.int64)
            for number, (detector, each) in enumerate(zip(self._detectors, columns, strict=True)):
                given_to[:, : most_of(detector) + 1] |= (each[:, ON, np.newaxis] != 0.0).astype(np.int64) << number
            self._table = (np.ascontiguousarray(np.concatenate([self.gate, *columns], axis=1)), given_to), made_of
        return self._table[0]

    def limit(self, profile: int, side: int) -> tuple[float, float]:
        """Limit and severe limit of a profile, NaN = none."""
        number = next(number for number, each in enumerate(self._detectors) if each.name == "limit")
        row = self.param[number][profile]
        if not row[ON]:
            return float("nan"), float("nan")
        limit, _, severe = row[1 + 3 * side : 4 + 3 * side]
        return float(limit), float(severe)


def _with_row(table: NDArray[np.float64] | I64, row: Sequence[float]) -> NDArray:  # type: ignore[type-arg]
    return np.ascontiguousarray(np.vstack([table, np.array([row], table.dtype)]))


def _chosen(detector: Detector, policy: Policy, vital: str) -> tuple[dict[str, float] | None, tuple[float, float]]:
    """What the policy sets for a detector's vital (None = the starting values), and the delays in seconds by side."""
    rules = {side: rule for side in _SIDES if (rule := policy.limit(vital, side)) is not None and rule.enabled}
    if detector.name == "limit":
        row = dict.fromkeys((parameter.name for parameter in detector.parameters), float("nan"))
        for side, rule in rules.items():
            row |= limit_columns(side, rule.limit, rule.hysteresis, rule.severe)
        low, high = (rules[side].delay_s if side in rules else 0.0 for side in _SIDES)
        return (row if rules else None), (low, high)
    if detector.name == "unverified":
        severe = {side: rule.severe for side, rule in rules.items() if rule.severe is not None}
        row = {f"{side}_severe": severe.get(side, float("nan")) for side in _SIDES}
        return (row if rules else None), (0.0, 0.0)
    delay = detector.delay_s.get(vital, 0.0)
    return None, (delay, delay)
