"""What people have to know of a sepsis model; the figures are in its report."""

from __future__ import annotations

from datetime import date

from analytics.risk.card.card import CardInput, DriftRule, ModelCard
from analytics.risk.drift_tests import KS_BOUND, MISSING_BOUND, OUTCOME_BOUNDS, PSI_ACT, PSI_LOOK, RATE_BOUNDS
from analytics.risk.features import FEATURE_SETS
from analytics.risk.targets import ELSEWHERE
from analytics.risk.train.task import Summary
from vigil.domain.vitals import BY_NAME

_KIND = {
    "logistic": "Logistic regression",
    "svm": "Linear support vector machine",
    "boosting": "Gradient boosting of decision trees",
    "blend": "Mean of the log-odds of a logistic regression and a gradient boosting of decision trees",
}
_STEADIED = "; the score of now, counted twice, is averaged with those of 12 and 24 h before"
_HOSPITAL = "sepsis-hospital"
_SET = {"sepsis-home": "home", _HOSPITAL: "hospital"}
#: Groups of features that are no vital sign, with their units.
_UNITS = {
    "age": "years",
    "sex": "1 = male, 0 = female",
    "labs": "as the Challenge 2019",
    "stay": "hours, and kind of unit",
}


def card_of(run: Summary) -> ModelCard:
    hospital = run.name == _HOSPITAL
    seen = (
        "vital signs, laboratory values, age, sex, unit and length of stay" if hospital else "vital signs, age and sex"
    )
    facts = run.facts
    return ModelCard(
        name=run.name,
        title=f"Sepsis risk from {'all that a hospital records' if hospital else 'vital signs'}",
        label=run.label,
        version="1",
        dated=run.dated,
        kind=f"{_KIND.get(run.chosen, run.chosen)} on {seen}{'' if hospital else _STEADIED}.",
        licence="Apache-2.0",
        owner="Vigil",
        contact="The operator of this installation; no clinical owner is named yet.",
        training_run=f"seed {run.seed}, data {run.fingerprint[:12]}",
        components="requirements/base.txt",
        users="Nurses and physicians who watch many people at once.",
        setting="Learned in intensive care; nobody has tried it on a ward or at home.",
        patients=_patients(run),
        decision="Whether to look at a patient now, and whom first.",
        out_of_scope=_out_of_scope(hospital),
        groups="Age band, sex, kind of unit, share of vital signs missing, and age with sex.",
        groups_not_evaluated="Skin tone, ethnicity, pregnancy and chronic illness: the data do not tell them.",
        devices="Bedside monitors and nurses' charts, one value an hour; no wearable.",
        environments="Intensive care units of one hospital in the USA.",
        threshold=run.threshold,
        threshold_why=(
            "The most utility of the Challenge 2019, on predictions for patients whom the model had not learned from, if sepsis "
            f"were {ELSEWHERE:g} times as frequent as there. A ward whose alerts cost more than the Challenge supposes needs a "
            "higher one."
        ),
        interval_method="Bootstrap over patients, paired for differences.",
        evaluation_data="The training data in five folds by patient: each patient by a model that had not seen him.",
        training_data=f"PhysioNet/CinC Challenge 2019, {facts['patients']} stays, {facts['hours']} hours, values once an hour.",
        inclusion="Intensive care stays as the Challenge published them.",
        demographics=f"Median age {facts['median_age']:.0f} years, {facts['share_men']:.0%} men.",
        label_made=(
            "Sepsis-3 by the Challenge's authors: suspicion of infection (cultures and antibiotics) and a rise of SOFA by 2 "
            "points; the label begins 6 h before that and stays to the end."
        ),
        data_licence="PhysioNet, open access; licence to be confirmed before publishing.",
        ethics=(
            "Suspicion of infection is a clinician's act: who was tested less has fewer labels, and the model learns that.",
            "Who is measured more often looks different to it: less care must not look like less risk.",
        ),
        caveats=_caveats(hospital),
        inputs=_inputs(run),
        missing_input=(
            f"Where fewer than {run.needs.count} of {len(run.needs.vitals)} vital signs are from the last "
            f"{run.needs.max_age_h:.0f} h, the model abstains and NEWS2 decides."
        ),
        alert_budget="Not set: in shadow until a ward has counted its alerts.",
        failure_modes=(
            "Pain, exertion and fever of another cause read as risk.",
            "Beta blockers and pacemakers hide a rising pulse, paracetamol hides fever.",
            "An oximeter that reads too high, as on dark skin, hides a fall of oxygen.",
        ),
        oversight="A nurse decides; no alert treats anybody.",
        explanation="What the risk would be with a typical patient's values in place of each group of inputs.",
        explanation_limits="It tells what the model used, not what made the patient ill.",
        drift_plan=(
            DriftRule("PSI of each input and of the score", f"{PSI_LOOK:g}", f"{PSI_ACT:g}"),
            DriftRule("KS of each input and of the score", "–", f"{KS_BOUND:g}"),
            DriftRule("share of hours without an input", "–", f"{MISSING_BOUND:.0%} more or less"),
            DriftRule("mean score and alert rate", "–", "outside {:g}-{:g} of the reference".format(*RATE_BOUNDS)),
            DriftRule("observed/expected events, once known", "–", "outside {:g}-{:g}".format(*OUTCOME_BOUNDS)),
        ),
        rollback="vigil models retire; NEWS2 goes on.",
        revalidate_by=a_year_after(run.dated),
    )


def a_year_after(day: str) -> str:
    """
    >>> a_year_after("2028-02-29"), a_year_after("2026-05-01")
    ('2029-02-28', '2027-05-01')
    """
    then = date.fromisoformat(day)
    leap = (then.month, then.day) == (2, 29)
    return then.replace(year=then.year + 1, day=28 if leap else then.day).isoformat()


def _patients(run: Summary) -> str:
    needs = run.needs
    return f"Adults with at least {needs.count} of these from the last {needs.max_age_h:.0f} h: {_named(needs.vitals)}."


def _named(vitals: tuple[str, ...]) -> str:
    return ", ".join(BY_NAME[vital].title.lower() for vital in vitals)


def _out_of_scope(hospital: bool) -> tuple[str, ...]:
    shared = (
        "Children and pregnancy",
        "Anyone whom nobody watches: it does not replace a visit",
        "Deciding on a treatment",
    )
    return (*shared, "Homes: it needs laboratory values and the length of a stay") if hospital else shared


def _caveats(hospital: bool) -> tuple[str, ...]:
    shared = (
        "Learned in one hospital: expect less elsewhere, and calibrate on site before a probability is believed.",
        "An alert tells that a patient resembles those who fell ill, not why.",
        "Design and features were tried out on the same patients, although the choice of the candidate was nested.",
    )
    own = (
        "It uses the length of the stay, which tells of habits too; kept for comparison."
        if hospital
        else "A part of what it tells is the course of a stay in intensive care, which a home has not: among hours of the same "
        "time since the stay began it tells less, and averaging with earlier scores gains nothing there (decision 0012)."
    )
    return (*shared, own)


def _inputs(run: Summary) -> tuple[CardInput, ...]:
    """By group of features; a value counts as long as the features look back."""
    features = FEATURE_SETS[_SET[run.name]]
    groups = tuple(dict.fromkeys(features.groups))
    return tuple(
        CardInput(
            name, _UNITS.get(name) or BY_NAME[name].display_unit, None if name in _UNITS else float(features.lookback_h)
        )
        for name in groups
        if name in _UNITS or name in BY_NAME
    )
