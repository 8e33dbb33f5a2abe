"""Stage 2, carry.

In: Bluetooth LE peripherals, and JSON lines of sensors on a local socket or standard input.
Out: SenML packs on ``rpm/v1/{tenant}/d/{device}/tel/{vitals|backfill}``, kept on disk until ``cmd/ack``.
Next: the broker, then ingest.
"""
