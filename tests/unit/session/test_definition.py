"""The CRD file and the Python types say the same."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from emg_session.resource import DEFAULT_PROFILE, MOST_SIZE_BYTES, JobOptions, RecordingRef, Reference, SessionSpec
from emg_session.status import (
    Attempt,
    Condition,
    ConditionType,
    Reason,
    RecordingFacts,
    ResultFacts,
    SessionStatus,
    Wire,
)

FILE = Path(__file__).parents[3] / "charts" / "emg-operator" / "files" / "emgsessions.crd.yaml"
VERSION = yaml.safe_load(FILE.read_text())["spec"]["versions"][0]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]["properties"]
SPEC, STATUS = SCHEMA["spec"]["properties"], SCHEMA["status"]["properties"]


def names(kind: type[Wire]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def test_every_field_of_the_types_is_in_the_schema_and_the_other_way_round() -> None:
    assert set(SPEC) == names(SessionSpec)
    assert set(SPEC["recording"]["properties"]) == names(RecordingRef)
    assert set(SPEC["reference"]["items"]["properties"]) == names(Reference)
    assert set(SPEC["job"]["properties"]) == names(JobOptions)
    assert set(STATUS) == names(SessionStatus)
    assert set(STATUS["conditions"]["items"]["properties"]) == names(Condition)
    assert set(STATUS["recording"]["properties"]) == names(RecordingFacts)
    assert set(STATUS["result"]["properties"]) == names(ResultFacts)
    assert set(STATUS["attempts"]["items"]["properties"]) == names(Attempt)


def test_condition_types_and_reasons_are_the_closed_sets_of_the_schema() -> None:
    condition = STATUS["conditions"]["items"]["properties"]
    assert condition["type"]["enum"] == [kind.value for kind in ConditionType]
    assert condition["reason"]["enum"] == [reason.value for reason in Reason]


def test_the_default_profile_is_the_one_of_the_types() -> None:
    assert SPEC["profile"]["default"] == DEFAULT_PROFILE


def test_kubectl_shows_the_columns_of_the_contract() -> None:
    columns = VERSION["additionalPrinterColumns"]
    shown = ["STATUS", "QUALITY", "SUBJECT", "CHANNELS", "DURATION", "CONTRACTIONS", "ATTEMPTS", "PROFILE", "AGE"]
    assert [c["name"] for c in columns if not c.get("priority")] == shown
    assert [c["name"] for c in columns if c.get("priority")] == ["SCORE", "JOB", "MEMORY"]


def test_every_number_of_the_spec_is_bounded() -> None:
    integers = list(_integers(SCHEMA["spec"]))
    assert integers
    assert all({"minimum", "maximum"} <= set(schema) for schema in integers)


def _integers(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for item in schema for found in _integers(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "integer" else []
    return own + [found for value in schema.values() for found in _integers(value)]


def test_a_notices_largest_size_is_the_schemas() -> None:
    assert SPEC["recording"]["properties"]["sizeBytes"]["maximum"] == MOST_SIZE_BYTES


@pytest.mark.parametrize("field", ["uri", "version"])
def test_an_address_has_no_control_character(field: str) -> None:
    """PostgreSQL takes no NUL, and none of the others names an object of ours."""
    pattern = SPEC["recording"]["properties"][field]["pattern"]
    assert re.search(pattern, "s3://recordings/P001/Müller 1.c3d")
    for character in "\0\t\n\x1f\x7f\x85":
        assert not re.search(pattern, f"s3://recordings/{character}.c3d"), character
