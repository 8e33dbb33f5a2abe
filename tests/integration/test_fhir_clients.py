"""Clients that others wrote read, page and create over a real socket; and the whole product takes what they send."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fhirclient import client as smart
from fhirclient.models.capabilitystatement import CapabilityStatement
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome

from tests.product import Product, eventually
from tests.unit.api.fhir.ask import entered, storing
from tests.unit.api.site import START, Site, open_site
from vigil.domain.times import SECOND, to_iso

WAIT_S = 20.0


class Served:
    """The app of a site on a port that the system picks."""

    def __init__(self, site: Site) -> None:
        self.site = site
        config = uvicorn.Config(site.app, host="127.0.0.1", port=0, log_config=None, ws="none", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def start(self) -> None:
        self._thread.start()
        eventually(lambda: self._server.started, WAIT_S, "the server listens")

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}/fhir/R4"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(WAIT_S)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Eight heart rates of p-1, r1 to r8, a second apart."""
    site = storing(open_site(tmp_path))
    site.admit("p-1", "w-1")
    site.clock.advance(100)
    site.store("w-1", "heart_rate", [70.0 + n for n in range(8)], start=START + SECOND)
    running = Served(site)
    running.start()
    yield running
    running.stop()
    site.close()


def fhirpy_of(served: Served, role: str = "nurse") -> SyncFHIRClient:
    return SyncFHIRClient(served.base, authorization=f"Bearer {served.site.token(role)}")


def smart_of(base: str, token: str) -> smart.FHIRClient:
    """A client of the SMART project, with a token that it did not fetch itself."""
    made = smart.FHIRClient(settings={"app_id": "vigil-test", "api_base": base})
    assert made.server is not None
    made.server.session.headers["Authorization"] = f"Bearer {token}"
    return made


def insert(site: Site, page: int) -> None:
    """One late value in the middle of all pages, and one newer than all."""
    site.store("w-1", "spo2", [90.0], start=START + SECOND * 4 + page)
    site.store("w-1", "heart_rate", [150.0], start=START + SECOND * (50 + page))


def test_fhirpy_reads_three_pages_while_data_arrive(served: Served) -> None:
    found = []
    for place, one in enumerate(fhirpy_of(served).resources("Observation").search(patient="p-1").limit(3)):
        if place in (0, 3):
            insert(served.site, place)
        found.append(one["id"])
    assert found == [f"r{n}" for n in range(8, 0, -1)]


def test_fhirpy_reads_counts_and_creates(served: Served) -> None:
    client = fhirpy_of(served)
    patient = client.reference("Patient", "p-1").to_resource()
    assert patient["name"][0]["family"] == "Marker-Family"
    assert client.resources("Observation").search(patient="p-1", code="8867-4").count() == 8
    first = client.resources("Observation").search(patient="p-1", date__lt=to_iso(START + 2 * SECOND)).first()
    assert first is not None
    assert first["valueQuantity"]["value"] == 70
    body = entered("8310-5", 38.4, "Cel", to_iso(START + 60 * SECOND))
    made = client.resource("Observation", **body)
    made.save()
    assert made.id
    assert client.reference("Observation", made.id).to_resource()["valueQuantity"]["value"] == 38.4
    with pytest.raises(OperationOutcome, match="must be Cel"):
        client.resource("Observation", **entered("8310-5", 38.4, "K", to_iso(START))).save()
    assert [entry.values for entry in served.site.entries] == [(("body_temp", 38.4, START + 60 * SECOND),)]


def test_fhirclient_reads_metadata_pages_and_creates(served: Served) -> None:
    client = smart_of(served.base, served.site.token("nurse"))
    statement = CapabilityStatement.read_from("metadata", client.server)
    assert (statement.fhirVersion, statement.as_json()["rest"][0]["mode"]) == ("4.0.1", "server")
    patient = Patient.read("p-1", client.server)
    assert patient.birthDate.isostring == "1948-03-12"
    found = []
    pages = Observation.where({"patient": "p-1", "_count": "3"}).perform_iter(client.server)
    for place, bundle in enumerate(pages):
        insert(served.site, place)
        found.append([entry.resource.id for entry in bundle.entry])
    assert found == [["r8", "r7", "r6"], ["r5", "r4", "r3"], ["r2", "r1"]]
    made = Observation(entered("2708-6", 93, "%", to_iso(START + 60 * SECOND)))
    answer = made.create(client.server)
    assert Observation.read(answer["id"], client.server).valueQuantity.value == 93


def test_the_product_takes_and_gives_back_what_a_hospital_sends(product: Product) -> None:
    """Through the real ingest: stored once, read back, charted for the nurse."""
    with product.client("nurse") as nurse:
        ward = eventually(lambda: nurse.get("/api/v1/patients").json()["items"], 60, "the simulated ward is admitted")
        patient = ward[0]["id"]
        now = nurse.get("/api/v1/patients").json()["server_at"]
        body: dict[str, Any] = entered("29463-7", 71.3, "kg", now, subject={"reference": f"Patient/{patient}"})
        first = nurse.post("/fhir/R4/Observation", json=body)
        again = nurse.post("/fhir/R4/Observation", json=body, headers={"If-None-Exist": "identifier=http://ehr|1"})
        assert (first.status_code, again.status_code) == (201, 200), (first.text, again.text)
        assert first.json() == again.json()
        found = nurse.get(
            "/fhir/R4/Observation", params={"patient": patient, "code": "http://loinc.org|29463-7"}
        ).json()
        weights = [entry["resource"]["valueQuantity"]["value"] for entry in found["entry"]]
        assert weights.count(71.3) == 1, "once, whatever else others have entered for this patient"
        asked = {"patient": patient, "category": "vital-signs"}
        eventually(
            lambda: len(nurse.get("/fhir/R4/Observation/$lastn", params=asked).json().get("entry", ())) > 1,
            60,
            "a simulated value beside the weight",
        )
        everything = nurse.get(f"/fhir/R4/Patient/{patient}/$everything", params={"_count": "50"}).json()
        assert everything["entry"][0]["resource"]["meta"]["security"][0]["code"] == "HTEST"
