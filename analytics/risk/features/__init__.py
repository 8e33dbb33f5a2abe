"""Step 2 of learning and scoring: what a model sees of each hour. ``FEATURE_SETS`` by name."""

from __future__ import annotations

from analytics.risk.features.contract import FeatureSet
from analytics.risk.features.home import HOME
from analytics.risk.features.hospital import HOSPITAL

FEATURE_SETS: dict[str, FeatureSet] = {each.name: each for each in (HOME, HOSPITAL)}

__all__ = ["FEATURE_SETS", "FeatureSet"]
