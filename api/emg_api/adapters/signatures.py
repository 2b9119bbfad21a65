"""Proofs of origin that several senders share."""

import hashlib
import hmac
from collections.abc import Sequence

from emg_api.refusals import NotSigned


def verify_hmac(body: bytes, signature: str | None, keys: Sequence[str]) -> None:
    """Check HMAC-SHA256 in hexadecimal, with or without `sha256=`, by any live key; raises NotSigned.

    Every key is tried and compared in constant time, so the time taken tells nothing about any of them.
    """
    given = (signature or "").strip().removeprefix("sha256=").encode()
    matches = [hmac.compare_digest(_hmac_hex(key, body), given) for key in keys]
    if not any(matches):
        raise NotSigned("no live key makes the signature in the request" if given else "the request has no signature")


def _hmac_hex(key: str, body: bytes) -> bytes:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest().encode()
