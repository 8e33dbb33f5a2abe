"""One log format for all processes. No patient data is ever written: callers pass opaque ids only."""

from __future__ import annotations

import logging
import sys

#: Libraries that say at "info" what nobody needs, or would print addresses with queries.
_QUIET = ("httpx", "httpcore", "uvicorn.access", "uvicorn.error", "amqtt", "transitions", "alembic", "asyncio")


def setup(process: str, level: str = "info") -> None:
    """Log lines ``time level process logger: text`` to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s.%(msecs)03d %(levelname).1s {process} %(name)s: %(message)s", "%H:%M:%S")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
