"""Predictions of the active risk models as RiskAssessment. Models in shadow mode are no basis for care and are not shown."""

from __future__ import annotations

import hashlib

from api import shape
from api.fhir.codes import MODEL, PREDICTION_ID, concept
from api.fhir.elements import Annotation, CodeableConcept, Identifier, Meta
from api.fhir.ids import short
from api.fhir.people import security, subject
from api.fhir.resources import RiskAssessment, RiskPrediction
from vigil.domain.people import Patient
from vigil.domain.risk import Prediction
from vigil.domain.risk_words import NOTICE, label, likelihood


def assessment_id(prediction: Prediction) -> str:
    """The time and the person, which find it again in the store, and which model's it is."""
    which = hashlib.blake2b(f"{prediction.model}\0{prediction.version}\0{prediction.position}".encode(), digest_size=8)
    return f"k{prediction.at}.{short(prediction.patient_id)}.{which.hexdigest()}"


def risk_resource(prediction: Prediction, patient: Patient) -> RiskAssessment:
    named = assessment_id(prediction)
    foretold = RiskPrediction(
        outcome=CodeableConcept(text=label(prediction.model)),
        probability_decimal=round(prediction.probability, 4),
        qualitative_risk=CodeableConcept(text=likelihood(prediction)),
        rationale=_rationale(prediction),
    )
    return RiskAssessment(
        id=named,
        meta=Meta(version_id="1", last_updated=shape.iso(prediction.decided_at), security=security(patient)),
        identifier=[Identifier(system=PREDICTION_ID, value=named)],
        method=concept(MODEL, f"{prediction.model}|{prediction.version}", label(prediction.model)),
        subject=subject(patient),
        occurrence_date_time=shape.iso(prediction.at),
        prediction=[foretold],
        note=[Annotation(text=NOTICE)],
    )


def _rationale(prediction: Prediction) -> str:
    """What moved it, or why the model abstained and NEWS2 decided."""
    if prediction.abstained:
        return f"decided by NEWS2: {prediction.abstained}"
    moved = [one.text for one in prediction.contributions]
    return f"{prediction.low:.3g} to {prediction.high:.3g} (95 %)" + (": " + "; ".join(moved) if moved else "")
