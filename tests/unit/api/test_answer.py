"""Answers that leave without the check against their schema are what the schema says."""

from __future__ import annotations

from api.schema.alerts import WorkList
from api.schema.series import Series, SeriesList
from api.schema.ward import Ward
from tests.unit.api.site import Site
from tests.unit.api.test_ward import news2
from vigil.domain.quality import Quality

PLAIN = (
    ("/api/v1/patients", Ward),
    ("/api/v1/patients?ward=north", Ward),
    ("/api/v1/patients/p-1/vitals?vital=spo2&points=10", Series),
    ("/api/v1/patients/p-1/vitals?vital=spo2&raw=true", Series),
    ("/api/v1/patients/p-1/vitals", SeriesList),
    ("/api/v1/alerts", WorkList),
)


def test_an_answer_is_what_its_schema_says(site: Site) -> None:
    """Of everything that a card, an alert and a curve may hold."""
    site.admit("p-1", "w-1")
    site.admit("p-2", ward="south")
    site.store("w-1", "spo2", [91.0 + at % 5 for at in range(100)], step_s=60)
    site.store("w-1", "spo2", [float("nan")], quality=Quality.CONTACT_LOST)
    site.store("w-1", "consciousness", [2.0])
    site.bus.board.put_score(news2("p-1", 3))
    site.raise_alert("p-1")
    for role in ("nurse", "research"):
        for path, schema in PLAIN:
            answer = site.get(path, role)
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "application/json"
            assert schema.model_validate_json(answer.content).model_dump(mode="json", by_alias=True) == answer.json()
            assert answer.json().get("items", [0]) != []
