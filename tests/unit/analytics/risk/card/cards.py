"""A complete card about nothing, and a report on made-up stays."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from analytics.risk.card.card import CardInput, DriftRule, ModelCard
from analytics.risk.evaluate.report import Report, brief, judge
from tests.unit.analytics.risk.evaluate.tables import ward

CARD = ModelCard(
    name="sepsis-home",
    title="Sepsis risk from vital signs",
    label="sepsis onset within 6 h, learned in intensive care",
    version="1",
    dated="2026-01-01",
    kind="Gradient boosting on vital signs, age and sex.",
    licence="Apache-2.0",
    owner="Vigil",
    contact="safety@example.org",
    training_run="seed 1",
    components="requirements/base.txt",
    users="Nurses and physicians of a monitoring centre.",
    setting="Learned in intensive care units; nobody has tried it at home.",
    patients="Adults with at least three of five vital signs in the last 12 h.",
    decision="Whether to look at a patient now.",
    out_of_scope=("Children", "Pregnancy", "Anyone whom nobody watches: it does not replace a visit"),
    groups="Age band, sex, unit, missingness.",
    groups_not_evaluated="Skin tone, ethnicity, pregnancy and chronic illness: the data do not tell them.",
    devices="Bedside monitors; no wearable.",
    environments="Two hospitals' intensive care units in the USA.",
    threshold=0.035,
    threshold_why="Most utility on patients of other folds.",
    interval_method="Bootstrap over patients.",
    evaluation_data="Set A, each patient by a model that had not seen him.",
    training_data="PhysioNet/CinC Challenge 2019, set A.",
    inclusion="Intensive care stays of 8 h and more.",
    demographics="Mean age 62 years, 58 % men.",
    label_made="Sepsis-3: suspicion of infection and a rise of SOFA by 2 points.",
    data_licence="Open access.",
    ethics=("Suspicion of infection is a clinician's act: who was tested less has fewer labels.",),
    caveats=("Alerts tell that a patient resembles those who fell ill, not why.",),
    inputs=(CardInput("heart_rate", "1/min", 12.0), CardInput("age", "years", None)),
    missing_input="With fewer than three vital signs the model abstains and NEWS2 decides.",
    alert_budget="One alert a patient-day.",
    failure_modes=("Fast pulse by pain or exertion reads as risk.", "Beta blockers hide a rising pulse."),
    oversight="A nurse decides; no alert treats anybody.",
    explanation="What the risk would be without each group of inputs.",
    explanation_limits="It tells what the model used, not what made the patient ill.",
    drift_plan=(DriftRule("PSI of each input", "0.1", "0.25"),),
    rollback="vigil models retire; NEWS2 goes on.",
    revalidate_by="2027-01-01",
)


@cache
def report() -> Report:
    hours, y, risk = ward(400)
    found = judge(y, risk, risk >= 0.3, hours, 1, draws=20)
    return replace(found, elsewhere=(brief(y, risk, risk >= 0.3, hours.starts, 1, name="men on women", draws=20),))
