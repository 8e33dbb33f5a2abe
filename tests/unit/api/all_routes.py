"""Every route of the app, for tests that walk them all."""

from __future__ import annotations

from fastapi.routing import APIRoute

from api.app import ROUTERS

#: (``METHOD /template``, method, route).
ROUTES = [
    (f"{method} {route.path}", method, route)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]


def parameters(route: APIRoute) -> set[str]:
    """Names of the parameters in its path."""
    return {one.name for one in route.dependant.path_params}


def reads(method: str, route: APIRoute) -> bool:
    """Two standards read by POST: searches of FHIR, and queries of Prometheus."""
    return method == "GET" or route.path.startswith("/prom/") or route.path.endswith("/_search")
