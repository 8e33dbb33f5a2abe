"""Risk models in the running platform: a decision about everybody each quarter of an hour, off the path of the readings."""
