"""What the page calls each vital sign, and its unit, are those of the platform."""

from __future__ import annotations

import re

import pytest

from tests.unit.web.page import own_scripts, strings
from vigil.domain.vitals import VITALS, VitalKind


@pytest.mark.parametrize("vital", VITALS, ids=[one.name for one in VITALS])
def test_each_vital_has_a_name_and_the_platform_s_unit(vital: VitalKind) -> None:
    assert f"vital.{vital.name}" in strings()
    script = own_scripts()["page/vitals.js"]
    said = re.findall(rf'\b{vital.name}: (?:{{ digits: \d, unit: )?"([^"]*)"', script)
    assert (said or [""])[0] == vital.display_unit
