"""No 5xx, no undocumented status, and every answer as its schema says: for each operation, with good and with bad input.

``VIGIL_SCHEMATHESIS=1000`` asks with so many made-up requests an operation instead of a few; ``-s`` shows the summary.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response

from tests.conformance.api.examine import Examined, examine
from tests.conformance.api.ward import Known, open_ward
from tests.unit.api.site import Site

SEED = 1
EXAMPLES = int(os.environ.get("VIGIL_SCHEMATHESIS", "3"))
#: Never ends by itself; ``tests/unit/api/test_live.py`` reads it.
ENDLESS = "/api/v1/stream"
#: Forms with a list: one selector and a list of one are written alike, so a "wrong" one is right.
FORMS = ["/prom/api/v1/labels", "/prom/api/v1/series"]
#: What a schema allows may still mean nothing: a query in no language, an end before the start, a unit of another vital.
#: 404 and 409: of what is there; 413: of what is longer as JSON than as text; 429: of what was asked before.
MEANT = ["400", "401", "403", "404", "406", "409", "410", "412", "413", "415", "422", "429"]
#: Part of the parameters that name what is there; the others are made up.
KNOWN_SHARE = 0.7
#: Between two operations, so that a door that was slowed for wrong keys opens again; all of them within a token's life.
PAUSE_S = 20.0
#: Part of the operations of which at least one request has to succeed (ours).
DONE_SHARE = 0.85

pytestmark = pytest.mark.timeout(300 + 10 * EXAMPLES)


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    site, known = open_ward(tmp_path_factory.mktemp("ward"))
    found = examine(site.app, settings(site, known), lambda: site.clock.advance(PAUSE_S))
    print(f"\nseed {SEED}, {EXAMPLES} examples: {found.summary()}")
    yield found
    site.close()


def settings(site: Site, known: Known) -> dict[str, Any]:
    """Ids of FHIR hold for the one path of their type, all other parameters wherever they are."""
    bound = {name: {"dictionary": name.replace(".", "-"), "probability": KNOWN_SHARE} for name in known}
    return {
        "seed": SEED,
        "headers": {"Authorization": f"Bearer {site.token('admin')}"},
        "generation": {"max-examples": EXAMPLES, "deterministic": True},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", *MEANT]},
            "negative_data_rejection": {"expected-statuses": ["405", *MEANT]},
        },
        "dictionaries": {name.replace(".", "-"): {"values": values} for name, values in known.items()},
        "parameters": {name: one for name, one in bound.items() if not name.startswith("fhir.")},
        "operations": [
            {"include-path": ENDLESS, "enabled": False},
            {
                "include-path": FORMS,
                "include-method": "POST",
                "checks": {"negative_data_rejection": {"enabled": False}},
            },
            *(
                {
                    "include-path": f"/fhir/R4/{name.removeprefix('fhir.')}/{{resource_id}}",
                    "parameters": {"path.resource_id": one},
                }
                for name, one in bound.items()
                if name.startswith("fhir.")
            ),
        ],
    }


def test_nothing_fails_nothing_is_undocumented_and_every_answer_fits_its_schema(examined: Examined) -> None:
    assert (examined.failures, examined.errors) == ({}, []), examined.summary()


def test_every_operation_but_the_endless_one_was_asked_and_nearly_all_were_done(
    examined: Examined, tmp_path: Path
) -> None:
    site, _known = open_ward(tmp_path)
    paths = site.app.openapi()["paths"]
    site.close()
    documented = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert documented - set(examined.statuses) == {f"GET {ENDLESS}"}
    assert len(examined.never_done) <= (1 - DONE_SHARE) * len(documented), examined.never_done


def faulty() -> FastAPI:
    """One fault an operation."""
    app = FastAPI()

    @app.get("/breaks")
    def breaks(text: str) -> dict[str, int]:
        return {"share": 1 // len(text)}

    @app.get("/undocumented")
    def undocumented() -> Response:
        return Response(b"{}", 418, media_type="application/json")

    @app.get("/lies", responses={200: {"content": {"application/json": {"schema": {"type": "integer"}}}}})
    def lies() -> Response:
        return Response(b'"text"', media_type="application/json")

    @app.get("/page")
    def page() -> Response:
        return Response(b"<p>", media_type="text/html")

    return app


def test_the_examination_finds_what_is_wrong() -> None:
    found = examine(faulty(), {"seed": SEED, "generation": {"max-examples": 5, "deterministic": True}})
    assert {
        ("status_code_conformance", "GET /undocumented"),
        ("response_schema_conformance", "GET /lies"),
        ("content_type_conformance", "GET /page"),
    } <= set(found.failures)
    assert found.errors
    assert all(one.startswith("GET /breaks: ZeroDivisionError") for one in found.errors)
