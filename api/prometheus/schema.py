"""The two envelopes of the Prometheus API, and how its parameters stand in OpenAPI."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.prometheus.refusal import ErrorType
from api.schema.base import Model, example


class PromAnswer(Model):
    """``data`` is as Prometheus documents it for each path. ``warnings``: what was left out."""

    model_config = example(
        status="success",
        data={
            "resultType": "vector",
            "result": [
                {
                    "metric": {
                        "__name__": "vital_spo2_percent",
                        "device": "w-1",
                        "patient": "p-1",
                        "ward": "north",
                    },
                    "value": [1767225600, "95"],
                }
            ],
        },
    )

    status: Literal["success"]
    data: Any
    warnings: Annotated[list[str], Field(default_factory=list)]


class PromProblem(Model):
    model_config = example(status="error", errorType="bad_data", error="not supported here: the function label_join")

    status: Literal["error"]
    errorType: ErrorType  # noqa: N815 - the name is Prometheus's
    error: str


RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": PromProblem, "description": "a parameter or the query is not understood"},
    422: {"model": PromProblem, "description": "understood, but not supported, or beyond a limit"},
    503: {"model": PromProblem, "description": "a store does not answer"},
}

_TIME = "Unix seconds or RFC 3339"
_WHAT = {
    "query": "PromQL",
    "time": f"{_TIME}; none = now",
    "start": _TIME,
    "end": _TIME,
    "step": "seconds or a duration",
    "timeout": "understood, not used",
    "limit": "at most so many series or names; 0 = all",
    "match[]": "selectors of series",
    "metric": "only this metric",
}


def described(*names: str, form: bool = False) -> dict[str, Any]:
    """``openapi_extra`` of a route that takes these parameters; ``form``: in the body instead. Needed ones end in ``!``."""
    fields = {name.rstrip("!"): _schema(name.rstrip("!")) for name in names}
    needed = [name.rstrip("!") for name in names if name.endswith("!")]
    if form:
        schema = {"type": "object", "properties": fields, "required": needed}
        return {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}}
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in needed, "schema": schema}
            for name, schema in fields.items()
        ]
    }


def _schema(name: str) -> dict[str, Any]:
    one = {"type": "string", "description": _WHAT[name]}
    return {"type": "array", "items": one} if name == "match[]" else one
