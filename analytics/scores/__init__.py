"""Early-warning scores: live of each patient every second, and over whole histories as columns.

``live`` scores patients as their readings come. ``minutes`` puts one patient's history on a grid of minutes, ``news2``, ``mews``,
``qsofa`` and ``shock_index`` score columns of inputs exactly as the pure functions of ``vigil.domain`` score one, and
``news2_episodes`` finds the episodes on the grid.
"""
