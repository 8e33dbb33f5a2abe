"""Judge: what do the readings mean for the people who wear the sensors?

In: committed batches of readings from ``vigil.bus`` and, after a start, from the reading store.
Out: scores and coverage on the board, alerts with their log in the record store, notices by every channel.
Next: ``api`` shows them; the log lines go out on ``vigil.bus`` as they are recorded.
"""
