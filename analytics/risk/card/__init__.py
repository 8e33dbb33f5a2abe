"""The model card: what a clinician has to know before a model may speak, as a record and as a page."""
