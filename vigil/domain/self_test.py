"""The self-test: a synthetic patient whose alert must come, again and again, or the alarms may not work.

Its device sends a normal value every few seconds and, once a round, one beyond a limit without delay. What it measures and the
policy it is judged by are fixed here, so that no ward's policy can make it fall silent.
"""

from __future__ import annotations

from vigil.domain.alerts import Priority
from vigil.domain.policy import LimitRule, Policy

#: ``Alert.patient_id`` of what is about Vigil itself: nobody's.
PLATFORM = ""
#: Rule of the technical alert that says that the self-test is missing.
MISSING_RULE = "self_test"
#: Who acknowledges the self-test's own alert.
ACTOR = "vigil self-test"

VITAL, WIRE = "spo2", "spo2"
#: So close that the quality gate believes the step between them at once (it asks for a second value above 20 %).
NORMAL, ALARMING = 94.0, 75.0

_LIMIT = LimitRule(VITAL, "low", 90.0, 0.0, 1.0, Priority.HIGH, severe=80.0, set_by="Vigil self-test")
#: The rule whose alert must come.
ALARM_RULE = _LIMIT.rule
#: Nothing else calls for it; two normal values end the alert.
SELF_TEST_POLICY = Policy((_LIMIT,), news2=False, clear_delay_s=0.5, findings={})
