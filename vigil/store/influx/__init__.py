"""A copy of the readings in InfluxDB 2: a forwarder from the journal, and questions in Flux. Needs the extra ``influx``."""
