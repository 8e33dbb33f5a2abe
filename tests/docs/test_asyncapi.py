"""``/asyncapi.yaml`` is a valid AsyncAPI 3.0 document, whole in itself, and says what the firmware page says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from tests.docs.test_firmware import PAGE
from vigil.wire import asyncapi

SCHEMA = Path(__file__).parent / "asyncapi" / "3.0.0.schema.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As a reader of the file gets it."""
    found: dict[str, Any] = msgspec.yaml.decode(asyncapi.text("home"))
    return found


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(inner)


def at(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_it_is_valid_by_the_schema_of_the_asyncapi_initiative(document: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert [f"{list(one.path)}: {one.message[:200]}" for one in validator.iter_errors(document)] == []
    broken = {**document, "operations": {"ack": {"action": "publish"}}}
    assert list(validator.iter_errors(broken))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in nodes(document) if "$ref" in node]
    assert len(references) > 50
    for reference in references:
        assert reference.startswith("#/")
        assert isinstance(at(document, reference), dict), reference


def test_every_schema_is_a_schema_and_every_example_is_valid_by_it(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    examples = 0
    for message in document["components"]["messages"].values():
        validator = jsonschema.Draft202012Validator({**message["payload"], "components": document["components"]})
        for example in message.get("examples", ()):
            validator.validate(example["payload"])
            examples += 1
    assert examples == len(document["components"]["messages"]) - 1, "packCbor has its example as bytes"


def test_each_topic_is_an_operation_and_is_explained_on_the_firmware_page(document: dict[str, Any]) -> None:
    page = PAGE.read_text("utf-8")
    assert set(document["channels"]) == set(document["operations"])
    for key, channel in document["channels"].items():
        assert document["operations"][key]["channel"] == {"$ref": f"#/channels/{key}"}
        assert channel["address"].replace("/home/", "/{tenant}/") in page, key
