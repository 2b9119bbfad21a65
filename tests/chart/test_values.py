"""Every value of the chart: told, closed, and of consequence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart_values import README, SCHEMA, VALUES, Value, documented, leaves, readme_text, schema_text
from tests.support.charts import EXISTING, TRYOUT, merged, nested, refusal, rendered_text

FOUND = documented(VALUES.read_text())
# Another value for each, and with what else it counts.
FLIPS: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("flips.yaml").read_text())


def test_every_value_has_a_sentence() -> None:
    values = yaml.safe_load(VALUES.read_text())
    assert [value.path for value in FOUND] == [*leaves(values, {value.path for value in FOUND})]
    assert all(value.sentence.endswith((".", ")")) and len(value.sentence) > 10 for value in FOUND)


def test_the_schema_and_the_readme_are_made_of_the_values() -> None:
    assert SCHEMA.read_text() == schema_text(FOUND), "make chart"
    assert README.read_text() == readme_text(README.read_text(), FOUND), "make chart"


def test_every_value_has_another_to_be_tried() -> None:
    assert [value.name for value in FOUND] == [*FLIPS]


@pytest.mark.parametrize("value", FOUND, ids=lambda value: value.name)
def test_every_value_changes_a_manifest(value: Value) -> None:
    flip = FLIPS[value.name]
    before = merged(EXISTING, flip.get("with", {}))
    assert rendered_text(merged(before, nested(value.name, flip["to"]))) != rendered_text(before)


@pytest.mark.parametrize("value", FOUND, ids=lambda value: value.name)
def test_a_value_of_another_type_is_refused(value: Value) -> None:
    wrong = [[]] if not isinstance(value.default, list) else "text"
    assert value.name.replace(".", "/") in refusal(merged(EXISTING, nested(value.name, wrong)))


@pytest.mark.parametrize("place", sorted({".".join(value.path[:-1]) for value in FOUND}))
def test_a_value_that_there_is_not_is_refused(place: str) -> None:
    assert "'nonsense' not allowed" in refusal(merged(EXISTING, nested(f"{place}.nonsense".lstrip("."), 1)))


def test_without_a_database_the_advice_names_the_values_that_tell_of_one() -> None:
    assert "database.existingSecret, database.url, or embedded.enabled=true" in refusal(
        {"buckets": EXISTING["buckets"]}
    )


def test_without_a_bucket_the_advice_names_the_value_that_tells_of_one() -> None:
    assert "buckets.NAME=s3://BUCKET, or embedded.enabled=true" in refusal(EXISTING | {"buckets": {}})


def test_no_bucket_is_swept_but_yours() -> None:
    text = rendered_text(merged(TRYOUT, {"buckets": {"clinic": "s3://clinic"}}))
    assert "s3://clinic" in text
    assert "s3://recordings" not in text
