"""Stage 3, accept.

In: SenML packs on ``rpm/v1/{tenant}/d/{device}/tel/{vitals|backfill}``; entries made by people.
Out: committed readings, dead letters, ``cmd/ack`` to the senders.
Next: analytics reads the committed batches from ``vigil.bus``.
"""
