"""Stage 1, produce: virtual patients and recordings of real ones.

In: a scenario (TOML) with faults, or a recording of a real patient.
Out: telemetry packs for rpm/v1/{tenant}/d/{device}/tel/vitals and .../tel/backfill.
Next: the broker (straight, or through the gateway), then ingest.
"""
