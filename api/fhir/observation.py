"""A finding as an Observation: the vital-signs profiles, the blood-pressure panel, NEWS2."""

from __future__ import annotations

from collections.abc import Sequence

from api import shape
from api.fhir.codes import (
    ACVPU_SNOMED,
    ACVPU_WORDS,
    BP,
    LETTER,
    PRESSURES,
    QUALITY,
    READING_ID,
    SCORE_ID,
    SNOMED,
    absent,
    category,
    news2_part,
    quantity,
    vital_concept,
)
from api.fhir.elements import Annotation, CodeableConcept, Coding, Identifier, Meta, Reference
from api.fhir.exposed import Reading
from api.fhir.findings import Finding
from api.fhir.ids import fhir_id
from api.fhir.lookup import identifier
from api.fhir.people import security, subject
from api.fhir.resources import Component, Observation
from vigil.domain.people import MANUAL_PREFIX
from vigil.domain.quality import Quality
from vigil.domain.scores import Score, ScorePart, ScoreStatus
from vigil.domain.vitals import BY_NAME

_PART_TITLES = {"oxygen": "Air or oxygen"}


def observation(finding: Finding) -> Observation:
    if finding.score is not None:
        return _of_score(finding, finding.score)
    first = finding.readings[0]
    family = finding.family
    made = Observation(
        id=finding.finding_id,
        meta=_meta(finding, family.profiles),
        identifier=[Identifier(system=READING_ID, value=identifier(one)) for one in finding.readings],
        status=status(finding),
        category=category(family.category),
        code=family.concept,
        subject=subject(finding.patient),
        effective_date_time=shape.iso(finding.at),
        issued=shape.iso(finding.updated),
        device=_device(first.stream.device_id),
        body_site=CodeableConcept(text=first.stream.site) if first.stream.site else None,
    )
    if family is BP:
        return made.model_copy(update={"component": _components(finding.readings)})
    if first.kind.codes:
        return made.model_copy(update={"value_codeable_concept": _letter(first)})
    return made.model_copy(update={"value_quantity": quantity(first.kind, first.value)})


def status(finding: Finding) -> str:
    """``preliminary``: the device called it an early estimate, or the score lacks inputs."""
    if finding.score is not None:
        return "preliminary" if finding.score.status is ScoreStatus.PARTIAL else "final"
    early = any(one.quality & Quality.EARLY_ESTIMATE for one in finding.readings)
    return "preliminary" if early else "final"


def _meta(finding: Finding, profiles: Sequence[str]) -> Meta:
    words = {word for one in finding.readings for word in shape.quality_words(one.quality)}
    source = f"urn:vigil:device:{finding.readings[0].stream.device_id}" if finding.readings else "urn:vigil:score"
    return Meta(
        # A pressure changes when a part joins it; a score for the same moment may be put right, and has no version.
        version_id=str(len(finding.readings)) if finding.readings else None,
        last_updated=shape.iso(finding.updated),
        source=source,
        profile=list(profiles) or None,
        security=security(finding.patient),
        tag=[Coding(system=QUALITY, code=word) for word in sorted(words)] or None,
    )


def _device(device_id: str) -> Reference:
    if device_id.startswith(MANUAL_PREFIX):
        return Reference(display="entered by a person")
    return Reference(reference=f"Device/{fhir_id(device_id)}")


def _components(readings: Sequence[Reading]) -> list[Component]:
    """Systolic and diastolic are always there, as the profile wants; the mean where it was measured."""
    by_name = {one.kind.name: one for one in readings}
    made = []
    for name in PRESSURES:
        found = by_name.get(name)
        code = vital_concept(BY_NAME[name])
        if found is not None and found.usable:
            made.append(Component(code=code, value_quantity=quantity(found.kind, found.value)))
        elif found is not None or name != "bp_mean":
            made.append(Component(code=code, data_absent_reason=absent("unknown" if found is None else "error")))
    return made


def _letter(reading: Reading) -> CodeableConcept:
    letter = reading.kind.codes[int(reading.value)]
    codings = [Coding(system=SNOMED, code=ACVPU_SNOMED[letter])] if letter in ACVPU_SNOMED else []
    return CodeableConcept(coding=[Coding(system=LETTER, code=letter), *codings], text=ACVPU_WORDS[letter])


def _of_score(finding: Finding, score: Score) -> Observation:
    lacks = {ScoreStatus.PARTIAL: "unknown", ScoreStatus.NOT_APPLICABLE: "not-applicable"}
    return Observation(
        id=finding.finding_id,
        meta=_meta(finding, finding.family.profiles),
        identifier=[Identifier(system=SCORE_ID, value=finding.finding_id)],
        status=status(finding),
        category=category(finding.family.category),
        code=finding.family.concept,
        subject=subject(finding.patient),
        effective_date_time=shape.iso(score.at),
        value_integer=score.total,
        data_absent_reason=absent(lacks.get(score.status, "unknown")) if score.total is None else None,
        interpretation=[CodeableConcept(text=f"response band: {score.band.value}")] if score.band else None,
        note=_notes(score),
        component=[_part(one) for one in score.parts] or None,
    )


def _notes(score: Score) -> list[Annotation] | None:
    said = [score.why] if score.why else []
    if score.status is ScoreStatus.PARTIAL:
        said.append(f"partial score {score.lower} to {score.upper}: missing {', '.join(score.missing)}")
    return [Annotation(text=text) for text in said] or None


def _part(part: ScorePart) -> Component:
    title = BY_NAME[part.name].title if part.name in BY_NAME else _PART_TITLES.get(part.name, part.name)
    code = news2_part(part.name, f"{title} score")
    if part.points is None:
        return Component(code=code, data_absent_reason=absent("unknown"))
    return Component(code=code, value_integer=part.points)
