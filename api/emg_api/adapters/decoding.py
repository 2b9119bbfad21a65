"""Parsing what senders write: JSON into records, with the bounds that every name and number has."""

import base64
import binascii
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote_plus

import msgspec

from emg_api.refusals import NotJson, WrongShape
from emg_session.resource import MOST_SIZE_BYTES

T = TypeVar("T")

_MOST_TEXT = 1024

# Without control characters: neither object storage nor PostgreSQL takes them all.
Text = Annotated[str, msgspec.Meta(max_length=_MOST_TEXT, pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z")]
# A text written as in a query: S3's longest key is 1024 bytes, each of which may take three characters.
Quoted = Annotated[str, msgspec.Meta(max_length=3 * _MOST_TEXT)]
Subject = Annotated[str, msgspec.Meta(max_length=2048, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]
Word = Annotated[str, msgspec.Meta(max_length=256, pattern=r"\A[ -~]*\Z")]
SizeBytes = Annotated[int, msgspec.Meta(ge=0, le=MOST_SIZE_BYTES)]


def decoded(text: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """Parse JSON into a record; raises NotJson, WrongShape."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise WrongShape(str(error)) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotJson("the body can't be read as JSON") from error


def converted(value: Any, kind: type[T]) -> T:  # noqa: ANN401 - whatever JSON can hold
    """Hold a value to a type's bounds; raises WrongShape."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise WrongShape(str(error)) from error


def unquoted(key: str) -> str:
    """Return a key that was written as in a query, as S3's records do; raises WrongShape."""
    try:
        return converted(unquote_plus(key, errors="strict"), Text)
    except UnicodeDecodeError as error:
        raise WrongShape("the object's key is not in UTF-8") from error


def plain_bytes(text: str, name: str) -> bytes:
    """Decode a field in base64; raises WrongShape."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WrongShape(f"{name} is not base64") from error
