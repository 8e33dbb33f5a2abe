"""Configuration, clock, log, metrics, MQTT, supervision: what every process needs."""
