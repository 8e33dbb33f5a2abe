"""Step 2: the table to learn from and to be judged on, on disk so that it need not fit into memory."""

from __future__ import annotations

from analytics.risk.train.disk import Bench, Done, Found
from analytics.risk.train.task import Data, Table, Task

_PARTS = ("x", "patient", "y", "target", "weight", "judged")


def features(bench: Bench, task: Task, data: Data) -> Found:
    table = task.features(data)
    for name in _PARTS:
        bench.save(name, getattr(table, name))
    return {
        "features": list(task.names),
        "rows": len(table.y),
        "rows_learned_from": int((table.weight > 0).sum()),
        "rows_judged": int(table.judged.sum()),
        "patients": int(table.patient.max()) + 1,
    }


def table_of(done: Done) -> Table:
    """Memory-mapped."""
    return Table(**{name: done.array(name) for name in _PARTS})
