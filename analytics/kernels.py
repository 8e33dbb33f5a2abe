"""Every kernel of the stage, for ``Kernels.compile``."""

from __future__ import annotations

from analytics.backtest.accept import sound_kernel, sound_signature
from analytics.backtest.arrange import group_kernel, group_signature, order_kernel, order_signature
from analytics.detectors import detectors
from analytics.engine.compiled import Kernel
from analytics.engine.conditions import candidate_kernel, candidate_signature, condition_kernel, condition_signature
from analytics.engine.stack import stack_of, stack_signature
from analytics.quality import gate_of
from analytics.risk.stream.cells import cells_kernel, cells_signature
from analytics.scores.bands import bands_kernel, bands_signature
from analytics.scores.grades import grade_kernel, grade_signature
from analytics.scores.grid import grid_kernel, grid_signature
from analytics.scores.moments import moment_kernel, moment_signature
from analytics.scores.news2_episodes import episode_kernel, episode_signature
from analytics.scores.persistence import gather_kernel, gather_signature
from analytics.scores.shock_index import shock_index_kernel, shock_index_signature
from analytics.scores.summaries import once_kernel, once_signature, summary_kernel, summary_signature


def every_kernel() -> list[Kernel]:
    """What live judging needs first comes first, what only a back-test reads a table with comes last."""
    return [
        Kernel(stack_of(detectors()), stack_signature, (gate_of, *(each.judge for each in detectors())), bare=True),
        Kernel(candidate_kernel, candidate_signature),
        Kernel(condition_kernel, condition_signature, bare=True),
        Kernel(once_kernel, once_signature),
        Kernel(summary_kernel, summary_signature),
        Kernel(grid_kernel, grid_signature),
        Kernel(bands_kernel, bands_signature),
        Kernel(grade_kernel, grade_signature),
        Kernel(episode_kernel, episode_signature),
        Kernel(moment_kernel, moment_signature),
        Kernel(gather_kernel, gather_signature),
        Kernel(shock_index_kernel, shock_index_signature),
        Kernel(cells_kernel, cells_signature),
        Kernel(sound_kernel, sound_signature),
        Kernel(order_kernel, order_signature),
        Kernel(group_kernel, group_signature),
    ]
