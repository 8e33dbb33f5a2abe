"""Asks the FHIR API of a site, as a client would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from api.deps import ManualEntry
from api.fhir.outcome import MEDIA_TYPE
from tests.unit.api.site import Site
from vigil.domain.people import MANUAL_PREFIX, Device
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_NAME, implausible

BASE = "/fhir/R4/"
SECOND = 1_000_000


def ask(site: Site, path: str, role: str = "nurse", **rest: Any) -> Any:
    answer = site.get(BASE + path, role, **rest)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    return answer.json()


def resources(bundle: Any) -> list[Any]:
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    found = [entry["resource"] for entry in bundle.get("entry", [])]
    for entry, one in zip(bundle.get("entry", []), found, strict=True):
        assert entry["fullUrl"] == f"http://vigil/fhir/R4/{one['resourceType']}/{one['id']}"
    return found


def found(site: Site, path: str, role: str = "nurse") -> list[Any]:
    """The resources of the first page of a search."""
    return resources(ask(site, path, role))


def ids(bundle: Any) -> list[str]:
    return [one["id"] for one in resources(bundle)]


def link(bundle: Any, relation: str) -> str | None:
    links = {one["relation"]: one["url"] for one in bundle["link"]}
    return links.get(relation)


def next_page(site: Site, bundle: Any, role: str = "nurse") -> Any:
    url = link(bundle, "next")
    assert url is not None
    return ask(site, url.removeprefix(f"http://vigil{BASE}"), role)


def walked(site: Site, path: str, role: str = "nurse") -> list[list[str]]:
    """The ids of every page."""
    bundle = ask(site, path, role)
    pages = [ids(bundle)]
    while link(bundle, "next") is not None:
        assert len(pages) < 500
        bundle = next_page(site, bundle, role)
        pages.append(ids(bundle))
    return pages


def issue(answer: httpx.Response, status: int) -> Any:
    """The first issue of a refusal."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE), answer.text
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    first: Any = body["issue"][0]
    assert first["severity"] == "error"
    return first


def refused(site: Site, path: str, status: int, role: str = "nurse", **rest: Any) -> Any:
    return issue(site.get(BASE + path, role, **rest), status)


def storing(site: Site) -> Site:
    """The site with a ``submit`` that stores what it is given, as ingest does."""

    def submit(entry: ManualEntry) -> list[int]:
        site.entries.append(entry)
        device_id = MANUAL_PREFIX + entry.patient_id
        site.records.put_device(Device(device_id, "entered by a person"))
        site.records.bind(device_id, entry.patient_id, 0)
        ordinals: list[int] = []
        for vital, value, at in entry.values:
            far = implausible(np.array([BY_NAME[vital].index]), np.array([value]))[0]
            quality = Quality.MANUAL | (Quality.IMPLAUSIBLE if far else Quality.GOOD)
            ordinals += site.store(device_id, vital, [value], start=at, quality=quality).ordinal.tolist()
        return ordinals

    return site.given(submit=submit)


def create(site: Site, body: Any, role: str = "nurse", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.call("POST", BASE + "Observation", role, json=body, headers=named)


def entered(code: str, value: float, unit: str, at: str, **change: Any) -> dict[str, Any]:
    """An Observation as another system sends it."""
    made = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p-1"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }
    return {**made, **change}


def codes(resource: Any) -> Sequence[str]:
    return [one["code"] for one in resource["code"]["coding"]]
