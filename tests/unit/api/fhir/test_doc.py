"""The page for those who connect says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from api.app import LARGEST_BODY
from api.auth import Right
from api.entry import MOST_BACK_US
from api.fhir.arrivals import SLACK_US
from api.fhir.cursor import CURSOR_LIFE_US
from api.fhir.exposed import Hidden
from api.fhir.observations import MOST_PEOPLE
from api.fhir.operations import MOST_WHY
from api.fhir.parameters import SEARCHES
from api.fhir.query import COUNT, MOST
from api.fhir.routes import RIGHTS
from api.fhir.wanted import MOST_ROWS
from tests.unit.api.fhir.ask import ask
from tests.unit.api.site import Site
from vigil.domain.times import HOUR, MINUTE

PAGE = (Path(__file__).parents[4] / "docs" / "fhir.md").read_text()


def test_each_example_works_when_unknown_parameters_are_refused(site: Site) -> None:
    site.admit("p-1", "w-1")
    site.admit("p-2")
    site.store("w-1", "heart_rate", [70])
    examples = re.findall(r"^GET /fhir/R4/(\S+)$", PAGE, re.MULTILINE)
    assert len(examples) >= 10
    for path in examples:
        ask(site, path, headers={"Prefer": "handling=strict"})


def test_the_table_names_every_resource_with_its_right() -> None:
    rows = re.findall(r"^\| ([A-Z][\w, ]+) \|.*\| `(\w+)`", PAGE, re.MULTILINE)
    told = {kind: right for kinds, right in rows for kind in kinds.split(", ")}
    assert told == {kind: RIGHTS.get(kind, Right.READ).value for kind in SEARCHES}


def test_limits_and_reasons() -> None:
    for said in (
        f"`_count` up to {MOST} ({COUNT} without it)",
        f"holds for {CURSOR_LIFE_US // HOUR} h",
        f"looks at {MOST_ROWS:,} rows",
        f"({MOST_PEOPLE} people at most)",
        f"from {SLACK_US // MINUTE} minutes before",
        f"any body above {LARGEST_BODY:,} bytes",
        f"of the last {MOST_BACK_US // HOUR} hours",
        f"the newest {MOST_WHY} stored readings",
        "(" + ", ".join(f"`{reason.value}`" for reason in Hidden) + ")",
    ):
        assert said in PAGE, said
