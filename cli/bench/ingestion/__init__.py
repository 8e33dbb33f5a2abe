"""The parts of ``vigil bench ingest``: a site with a broker, a backlog to drain, who drains it, and delays at a steady rate."""
