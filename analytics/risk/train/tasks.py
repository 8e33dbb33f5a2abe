"""What can be trained, by name."""

from __future__ import annotations

from analytics.risk.train.task import Task

NAMES = ("sepsis", "hypotension")


def task_of(name: str, feature_set: str) -> Task:
    """``feature_set``: of sepsis; hypotension has its own. Only the code of the task that was asked for is imported."""
    if name == "hypotension":
        from analytics.risk.hypotension.task import HYPOTENSION

        return HYPOTENSION
    from analytics.risk.train.sepsis import sepsis

    return sepsis(feature_set)
