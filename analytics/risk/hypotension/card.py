"""What people have to know of the hypotension model; the figures come from its report."""

from __future__ import annotations

from typing import Protocol

from analytics.risk.card.card import CardInput, DriftRule, ModelCard

#: Learned once, of records of the 1990s and 2000s: to be looked at again after a year.
_YEARS = 1


class Finished(Protocol):
    """What the card needs of a run of training."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def dated(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def chosen(self) -> str: ...
    @property
    def threshold(self) -> float: ...


def card_of(run: Finished) -> ModelCard:
    """``dated`` is the day that whoever trains has stated."""
    year, rest = int(run.dated[:4]), run.dated[4:]
    return ModelCard(
        name=run.name,
        title="Low blood pressure in the next hour",
        label=run.label,
        version="1",
        dated=run.dated,
        kind=f"{run.chosen}, on nine levels of mean pressure: medians of 5 min to 10 h, low tenths, lowest half hour.",
        licence="Apache-2.0",
        owner="Vigil",
        contact="The operator of this installation; no clinical owner is named yet.",
        training_run=f"seed {run.seed}, data {run.fingerprint[:12]}",
        components="requirements/base.txt",
        users="Nurses and physicians who watch a person with a continuous or frequent blood pressure.",
        setting="Learned in intensive care with arterial lines; nobody has tried it at home.",
        patients="Adults with mean pressure in at least 12 minutes of the last hour.",
        decision="Whether to look at a patient now, before the pressure falls.",
        out_of_scope=(
            "Anyone with a cuff once an hour: the model abstains, which at home is nearly everybody",
            "Children and pregnancy",
            "Starting or changing a drug that raises the pressure",
            "Anyone whom nobody watches",
        ),
        groups="Records with drugs that raise the pressure and without, apart (H1/C1 and H2/C2).",
        groups_not_evaluated="Age, sex, skin tone, ethnicity, illness: the records do not tell. Nothing is known of fairness.",
        devices="Arterial line of bedside monitors, one value a minute; no cuff and no wearable.",
        environments="Intensive care units of one hospital in the USA (MIMIC-II).",
        threshold=run.threshold,
        threshold_why=(
            "Where sensitivity plus specificity is greatest among the records, half of which had an episode; to be set again for "
            "the alerts that a ward can answer."
        ),
        interval_method="Bootstrap over records, paired for differences.",
        evaluation_data="The 60 records, each by a model that learned without any of its rows.",
        training_data=(
            "PhysioNet/CinC Challenge 2009, 60 records: 29 windows of each record's earlier hours with the hour that followed, "
            "each asked at 60, 65, 70, 75 and 80 mmHg. The labels of the hour that is judged were not learned from."
        ),
        inclusion="15 records each: an episode with pressors, one without, none in the stay, one at another time.",
        demographics="Not told.",
        label_made="From the pressure itself: at least 27 of 30 minutes at or below 60 mmHg, begun within the hour.",
        data_licence="PhysioNet, open access; licence to be confirmed before publishing.",
        ethics=("An episode that was treated in time looks like no episode: pressors hide what would have happened.",),
        caveats=(
            "60 records are few: the gain over the last hour's mean pressure is above 0, but only just.",
            "Design and features were tried out on these same 60 records, although the choice of the candidate was not: "
            "expect less on others.",
            "The probability is that among records of which half had an episode. Where episodes are rarer it is far too high: "
            "read it as a rank until it has been calibrated on site.",
            "In the decision curve the baseline's risk is learned on its own records, nearly one level each: it is flattered.",
        ),
        inputs=(CardInput("bp_mean", "mmHg", 1.0),),
        missing_input="With fewer than 12 minutes of mean pressure in the last hour it abstains, and NEWS2 decides.",
        alert_budget="Not set: in shadow until a ward has counted its alerts.",
        failure_modes=(
            "A sudden fall from a good pressure without an earlier low (bleeding, a drug, a position) is not foreseen.",
            "A person who lives with a low pressure and is well scores high.",
            "A damped or wrongly levelled arterial line reads as low pressure.",
        ),
        oversight="A nurse decides; no alert treats anybody.",
        explanation="What the risk would be without mean pressure.",
        explanation_limits="The model has one input: it tells that the pressure is low, not why.",
        drift_plan=(
            DriftRule("PSI of each level and of the score", "0.1", "0.25"),
            DriftRule("KS of each level", "0.1", "0.2"),
            DriftRule("observed/expected episodes, once known", "outside 0.8-1.25", "outside 0.5-2"),
        ),
        rollback="vigil models retire; NEWS2 goes on.",
        revalidate_by=f"{year + _YEARS}{rest}",
    )
