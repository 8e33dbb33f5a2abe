"""Stage 4, learning: risk models from real patients (``vigil train``), their folders, and their scoring in the stream."""
