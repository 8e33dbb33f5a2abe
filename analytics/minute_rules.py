"""What is judged once a minute, of the minute that is over: detectors that look at several streams of one patient."""

from __future__ import annotations

from analytics.combination_rule import CombinationRule
from analytics.directory import Directory
from analytics.disagreement_rule import DisagreementRule
from vigil.domain.times import MINUTE, SECOND

#: A minute is judged so long after its end: most of its readings have come by then (ours).
GRACE = 2 * SECOND


class MinuteRules:
    def __init__(self, directory: Directory, disagreement: DisagreementRule, combination: CombinationRule) -> None:
        self._directory = directory
        self._disagreement = disagreement
        self._combination = combination
        self._minute = 0

    def tick(self, now: int) -> None:
        minute_end = (now - GRACE) // MINUTE * MINUTE
        if minute_end <= self._minute:
            return
        self._minute = minute_end
        for patient_id in sorted(self._directory.patients):
            self._disagreement.judge(patient_id, minute_end)
            self._combination.judge(patient_id, minute_end)
