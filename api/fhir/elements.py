"""FHIR R4 datatypes, as far as we send them. Python names here, FHIR names on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Element(BaseModel):
    """What is None or an empty list is not sent: FHIR forbids empty elements."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, allow_inf_nan=False)

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = self.model_dump(by_alias=True, exclude_none=True)
        return {name: value for name, value in found.items() if value != []}


class Coding(Element):
    system: str
    code: str
    display: str | None = None


class CodeableConcept(Element):
    coding: list[Coding] | None = None
    text: str | None = None


class Quantity(Element):
    value: int | float
    unit: str
    system: str
    code: str


class Reference(Element):
    reference: str | None = None
    display: str | None = None


class Identifier(Element):
    system: str
    value: str


class Period(Element):
    start: str
    end: str | None = None


class Annotation(Element):
    text: str


class HumanName(Element):
    family: str
    given: list[str]


class Meta(Element):
    version_id: str | None = None
    last_updated: str | None = None
    source: str | None = None
    profile: list[str] | None = None
    security: list[Coding] | None = None
    tag: list[Coding] | None = None
