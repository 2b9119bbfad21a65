"""Proofs of origin that several senders share. Every live key is tried, and compared in constant time.

So the time taken tells nothing about any of them, and a key can be replaced while both are in use.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from emg_api.refusals import NotSigned, OutOfTime


def verify_hmac(body: bytes, signature: str | None, keys: Sequence[str]) -> None:
    """Check HMAC-SHA256 in hexadecimal, with or without `sha256=`; raises NotSigned."""
    given = (signature or "").strip().removeprefix("sha256=")
    if not is_any_of(given, [_hmac_hex(key, body) for key in keys]):
        raise NotSigned("no live key makes the signature in the request" if given else "the request has no signature")


def verify_shared(token: str | None, keys: Sequence[str]) -> None:
    """Check a key that the request itself brings; raises NotSigned."""
    if not token:
        raise NotSigned("the request has no key: this sender needs `Authorization: Bearer` with a live one")
    if not is_any_of(token, keys):
        raise NotSigned("the key in the request is not a live one")


def is_any_of(given: str, expected: Sequence[str]) -> bool:
    """Whether a text is one of some, found out in the same time whichever it is."""
    matches = [hmac.compare_digest(_digest(given), _digest(text)) for text in expected]
    return any(matches)


def verify_age(age_s: float, *, most_s: float, future_s: float) -> None:
    """Check when something was signed; raises OutOfTime."""
    if not -future_s <= age_s <= most_s:
        raise OutOfTime(f"signed {age_s:.0f} s ago: accepted are {-future_s:.0f} to {most_s:.0f} s")


def from_base64(text: str) -> bytes:
    """Decode base64 strictly; raises NotSigned."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotSigned("the signature is not base64") from error


def _hmac_hex(key: str, body: bytes) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def _digest(text: str) -> bytes:
    """Return texts of any characters and lengths as bytes that compare in constant time."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
