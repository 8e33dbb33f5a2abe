"""Rules for all models: an unknown field in a request is refused, one in an answer is our mistake."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

#: RFC 3339 in UTC with milliseconds.
Moment = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", examples=["2026-01-01T08:30:00.000Z"])
]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
#: RFC 3339 in a request; which times are taken is said where they are read.
Time = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
#: In requests: JSON's own types only. Otherwise ``true`` would be read as the number 1, and "88" as 88.
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
Truth = Annotated[bool, Field(strict=True)]
Words = Annotated[str, Field(max_length=2000)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def example(**members: Any) -> ConfigDict:
    """Configuration of a model that shows ``members`` as its example in OpenAPI."""
    return ConfigDict(extra="forbid", allow_inf_nan=False, json_schema_extra={"examples": [members]})
