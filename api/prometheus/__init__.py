"""The query API of Prometheus, for Grafana and other programs that speak it: vital signs, NEWS2 and alerts, never a name.

``parse`` bounds a query and reads it, ``catalogue`` knows which series there are, ``source`` loads their samples, ``evaluate``
computes, ``answer`` writes JSON, ``routes`` serves. ``docs/grafana.md`` says what is understood and what is not.
"""
