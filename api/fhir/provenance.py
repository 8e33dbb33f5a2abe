"""Where an Observation or a RiskAssessment comes from, told from what is stored with it; never stored by itself."""

from __future__ import annotations

from api import shape
from api.fhir.codes import AGENT, concept
from api.fhir.elements import CodeableConcept, Reference
from api.fhir.findings import Finding
from api.fhir.ids import fhir_id
from api.fhir.resources import Agent, Provenance
from api.fhir.risk import assessment_id
from vigil import __version__
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.risk import Prediction

PLATFORM = Agent(type=concept(AGENT, "assembler"), who=Reference(display=f"Vigil {__version__}"))


def of_observation(finding: Finding) -> Provenance:
    author = Reference(display="NEWS2 as calculated by Vigil")
    if finding.readings:
        device = finding.readings[0].stream.device_id
        by_hand = device.startswith(MANUAL_PREFIX)
        author = Reference(display="a person") if by_hand else Reference(reference=f"Device/{fhir_id(device)}")
    return Provenance(
        id=f"o-{finding.finding_id}",
        target=[Reference(reference=f"Observation/{finding.finding_id}")],
        occurred_date_time=shape.iso(finding.at),
        recorded=shape.iso(finding.updated),
        activity=CodeableConcept(text="measured" if finding.readings else "calculated"),
        agent=[Agent(type=concept(AGENT, "author"), who=author), PLATFORM],
    )


def of_risk(prediction: Prediction) -> Provenance:
    named = assessment_id(prediction)
    model = Reference(display=f"model {prediction.model}, version {prediction.version}")
    return Provenance(
        id=f"k-{named}",
        target=[Reference(reference=f"RiskAssessment/{named}")],
        occurred_date_time=shape.iso(prediction.at),
        recorded=shape.iso(prediction.decided_at),
        activity=CodeableConcept(text="foretold"),
        agent=[Agent(type=concept(AGENT, "author"), who=model), PLATFORM],
    )
