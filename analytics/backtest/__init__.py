"""Back-test: what would a policy, a score or a model have said of recorded readings? The same code as live, on a table.

``table`` reads recorded readings (CSV, Parquet, or the store of an installation that is not running) into columns, in the
order in which they were received.
"""
