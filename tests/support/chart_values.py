"""The chart's README and closed schema, made of values.yaml: `python -m tests.support.chart_values`, `make chart`.

values.yaml tells everything once: a value, above it a sentence (`# --`), and where its default does not tell enough a
line of JSON schema (`# @schema`).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tests.cluster.machine import ROOT

CHART = ROOT / "charts" / "emg-operator"
VALUES, SCHEMA, README = CHART / "values.yaml", CHART / "values.schema.json", CHART / "README.md"
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")
_SENTENCE, _RULE = "# -- ", "# @schema "
_TYPES: dict[type, str] = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
_BEFORE, _AFTER = "<!-- values -->\n", "<!-- end of values -->\n"


@dataclass(frozen=True, kw_only=True)
class Value:
    """One documented value."""

    path: tuple[str, ...]
    default: Any
    sentence: str
    rule: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name, as `--set` takes it."""
        return ".".join(self.path)

    def schema(self) -> dict[str, Any]:
        """Return its JSON schema."""
        kind = {} if {"enum", "type"} & self.rule.keys() else {"type": _TYPES[type(self.default)]}
        return {"description": self.sentence, **kind, **self.rule}


def documented(text: str) -> list[Value]:
    """Return all values with their sentences, in the file's order."""
    return [*_documented(text.splitlines(), yaml.safe_load(text))]


def _documented(lines: Sequence[str], values: dict[str, Any]) -> Iterator[Value]:
    path: list[str] = []
    sentence, rule = "", "{}"
    for line in lines:
        comment = line.strip()
        if comment.startswith(_SENTENCE):
            sentence = comment.removeprefix(_SENTENCE)
        elif comment.startswith(_RULE):
            rule = comment.removeprefix(_RULE)
        elif key := _KEY.match(line):
            path = [*path[: len(key["indent"]) // 2], key["key"]]
            if sentence:
                yield Value(path=tuple(path), default=_at(values, path), sentence=sentence, rule=json.loads(rule))
            sentence, rule = "", "{}"


def _at(values: dict[str, Any], path: Sequence[str]) -> Any:
    found: Any = values
    for key in path:
        found = found[key]
    return found


def leaves(
    values: dict[str, Any], known: set[tuple[str, ...]], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Return the paths of all values, those below a documented one left out."""
    for key, value in values.items():
        below = (*path, key)
        if below in known or not isinstance(value, dict):
            yield below
        else:
            yield from leaves(value, known, below)


def schema_of(found: Sequence[Value]) -> dict[str, Any]:
    """Build the schema: nothing that is not named may be said."""
    root = _closed() | {"$schema": "http://json-schema.org/draft-07/schema#"}
    # Helm hands these to every chart.
    root["properties"] = {"global": {"type": "object", "description": "Helm's own; nothing here reads it."}}
    for value in found:
        place = root
        for key in value.path[:-1]:
            place = place["properties"].setdefault(key, _closed())
        place["properties"][value.path[-1]] = value.schema()
    return root


def _closed() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def table_of(found: Sequence[Value]) -> str:
    """Return the README's table."""
    rows = [f"| `{value.name}` | `{json.dumps(value.default)}` | {value.sentence} |\n" for value in found]
    return "".join(["| value | default | says |\n|---|---|---|\n", *rows])


def schema_text(found: Sequence[Value]) -> str:
    """Return values.schema.json."""
    return json.dumps(schema_of(found), indent=2, ensure_ascii=False) + "\n"


def readme_text(readme: str, found: Sequence[Value]) -> str:
    """Return the README with the table of these values."""
    before, _, rest = readme.partition(_BEFORE)
    return f"{before}{_BEFORE}{table_of(found)}{_AFTER}{rest.partition(_AFTER)[2]}"


def main() -> None:
    """Write both."""
    found = documented(VALUES.read_text())
    SCHEMA.write_text(schema_text(found))
    README.write_text(readme_text(README.read_text(), found))


if __name__ == "__main__":
    main()
