"""The reading half of Alertmanager's API v2, so that Grafana's own data source and ``amtool`` list our alerts and snoozes."""
