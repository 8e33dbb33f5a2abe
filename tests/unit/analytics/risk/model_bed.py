"""A small model that is quick to make, for tests of what is done with models: it learnt on invented people, and knows nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler

from analytics.risk.card.card import CardInput, DriftRule, ModelCard
from analytics.risk.clean import PLAUSIBLE
from analytics.risk.evaluate.report import Report, judge
from analytics.risk.features import FEATURE_SETS
from analytics.risk.folder import write_folder
from analytics.risk.hours import Hours
from analytics.risk.predictor import Needs, Predictor
from analytics.risk.reference import Reference, reference_of

LABEL = "sepsis onset within 6 h, learned in intensive care"
FINGERPRINT = "0" * 64
PAGE = "<!doctype html><title>card</title>\n"
_STAYS, _LENGTH = 240, 16


def boosting() -> Any:
    return HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=4, early_stopping=False, random_state=1)


def logistic() -> Any:
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        RobustScaler(),
        LogisticRegression(C=0.01, random_state=1),
    )


@dataclass(frozen=True)
class Bed:
    predictor: Predictor
    card: ModelCard
    report: Report
    reference: Reference

    def write(self, path: Path) -> str:
        return write_folder(
            path,
            self.predictor,
            replace(self.card, name=path.name),
            self.report,
            self.reference,
            page=PAGE,
            fingerprint=FINGERPRINT,
        )


def invented(seed: int) -> Hours:
    """``_STAYS`` of ``_LENGTH`` hours: values of no living person in particular, a third not measured."""
    random, count = np.random.default_rng(seed), _STAYS * _LENGTH
    columns = {}
    for name in FEATURE_SETS["home"].columns:
        low, high = PLAUSIBLE.get(name, (0.0, 1.0))
        values = low + (high - low) * random.uniform(0.3, 0.6, count)
        values[random.random(count) < 0.3] = np.nan
        columns[name] = values.astype(np.float32)
    for name, people in (("Age", random.integers(18, 95, _STAYS)), ("Gender", random.integers(0, 2, _STAYS))):
        columns[name] = np.repeat(people, _LENGTH).astype(np.float32)
    return Hours(
        tuple(f"p{number}" for number in range(_STAYS)),
        np.arange(_STAYS + 1, dtype=np.int64) * _LENGTH,
        np.tile(np.arange(1, _LENGTH + 1, dtype=np.int32), _STAYS),
        columns,
    )


@cache
def bed(make: Callable[[], Any] = boosting) -> Bed:
    hours, features = invented(1), FEATURE_SETS["home"]
    matrix = features.compute(hours, None)
    label = np.repeat(np.arange(_STAYS) % 4 == 0, _LENGTH) & (hours.hour > _LENGTH - 10)
    matrix[:, 0] += 8 * label  # so that there is something to learn
    predictor = Predictor(
        feature_set="home",
        estimator=make().fit(matrix, label),
        calibration=(np.linspace(-6, 3, 10), np.linspace(0.001, 0.9, 10)),
        threshold=0.2,
        needs=Needs(),
        news2_risk=np.linspace(0.01, 0.2, 22),
        bands=(np.array([0.1, 0.5]), np.array([0.0, 0.1, 0.4]), np.array([0.12, 0.6, 1.0])),
    )
    probability = predictor.predict_features(matrix)
    alert = probability >= predictor.threshold
    return Bed(
        predictor,
        card(),
        judge(label, probability, alert, hours, 1, draws=5),
        reference_of(features.names, matrix, probability, alert, _STAYS),
    )


def card() -> ModelCard:
    """Every field says something; nobody has signed."""
    texts: dict[str, Any] = {field.name: f"the {field.name}" for field in fields(ModelCard)}
    lists = dict.fromkeys(("out_of_scope", "ethics", "caveats", "failure_modes"), ("one thing",))
    return ModelCard(
        **{
            **texts,
            **lists,
            "name": "sepsis-home",
            "label": LABEL,
            "threshold": 0.2,
            "inputs": (CardInput("heart_rate", "1/min", 12.0),),
            "drift_plan": (DriftRule("psi", "0.1", "0.25"),),
            "revalidate_by": "2027-01-01",
            "approvals": (),
        }
    )
