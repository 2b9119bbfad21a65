"""Whether a value fits an OpenAPI schema as the API server would check it."""

from typing import Any

_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
_INT64 = 2**63


def violations(schema: dict[str, Any], value: Any, path: str = "") -> list[str]:
    """Return what the API server would refuse, or drop without a word."""
    if not isinstance(value, _TYPES[schema["type"]]):
        return [f"{path}: {value!r} is no {schema['type']}"]
    match value:
        case dict() if "properties" in schema:
            return _of_object(schema, value, path)
        case list():
            found = [v for i, item in enumerate(value) for v in violations(schema["items"], item, f"{path}[{i}]")]
            return found + _bound(len(value) > schema.get("maxItems", len(value)), f"{path}: too many items")
        case str():
            too_long = len(value) > schema.get("maxLength", len(value))
            return _bound(too_long or value not in schema.get("enum", [value]), f"{path}: {value[:80]!r}")
        case int():
            low, high = schema.get("minimum", -_INT64), schema.get("maximum", _INT64 - 1)
            return _bound(not low <= value <= high, f"{path}: {value}")
        case _:
            return []


def _of_object(schema: dict[str, Any], value: dict[str, Any], path: str) -> list[str]:
    known = schema["properties"]
    found = [f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value]
    for name, part in value.items():
        at = f"{path}.{name}"
        found += violations(known[name], part, at) if name in known else [f"{at} would be dropped"]
    return found


def _bound(broken: bool, sentence: str) -> list[str]:
    return [sentence] if broken else []
