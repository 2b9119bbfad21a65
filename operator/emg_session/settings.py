"""Reading settings from the environment: the one place that knows how, used by every program's `from_env()`."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from emg_session.errors import InvalidSettings

T = TypeVar("T")


def required(env: Mapping[str, str], name: str, purpose: str) -> str:
    """Return a setting that has no default; raises InvalidSettings saying what it is for."""
    value = env.get(name, "")
    if not value:
        raise InvalidSettings(f"{name} is not set: it says {purpose}")
    return value


def integer(env: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
    """Return a whole-number setting; raises InvalidSettings where it is not one, or out of bounds."""
    value = env.get(name) or str(default)
    try:
        number = int(value)
    except ValueError as error:
        raise InvalidSettings(f"{name} is {value!r}, not a whole number") from error
    if not least <= number <= most:
        raise InvalidSettings(f"{name} is {number}: it must lie between {least} and {most}")
    return number


def json_setting(text: str, kind: type[T], name: str, example: str) -> T:
    """Parse a JSON setting; raises InvalidSettings with an example that would do."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise InvalidSettings(f"{name} can't be read ({error}); for example {example}") from error
