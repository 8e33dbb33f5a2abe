"""The table that is shown to people agrees with what they can rely on."""

from __future__ import annotations

from pathlib import Path

from tests.unit.api.all_routes import ROUTES
from tests.unit.api.rights_table import COLUMNS, IN, OWN_ONLY, markdown, rows
from tests.unit.api.test_care import BREAK_GLASS, SHOWN
from tests.unit.api.two_wards import open_two_wards

#: Names of things that are a patient's in the paths.
_NAMES = ("{patient_id}", "{alert_id}", "{device_id}", "{gateway_id}", "{question_id}", "{team_id}", "{ward}")


def test_each_route_has_its_line_and_nobody_of_another_ward_gets_in(tmp_path: Path) -> None:
    both = open_two_wards(tmp_path)
    table = {row[0]: row[1:] for row in rows(both)}
    both.site.close()
    assert set(table) == {name for name, _, _ in ROUTES} - {"GET /api/v1/stream"}
    for name, cells in table.items():
        if any(one in name for one in _NAMES) and name != BREAK_GLASS:
            assert set(cells[-2:]) <= {"403", "404"}, (name, cells)
        if name in SHOWN:
            assert set(cells[-2:]) <= {"403", OWN_ONLY}, (name, cells)
        assert cells[0] in ("401", IN)
    shown = markdown([("GET /x", *["401"] * len(COLUMNS))])
    assert shown.splitlines()[-1] == f"| GET /x |{' 401 |' * len(COLUMNS)}"
