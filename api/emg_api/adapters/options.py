"""What can be set for a sender: EMG_SENDERS, beside its keys in EMG_WEBHOOK_SECRETS."""

from collections.abc import Awaitable, Callable

import msgspec

Fetch = Callable[[str], Awaitable[bytes]]
"""Fetches a certificate or keys from an address that settings or a fixed pattern allow; raises KeysUnavailable."""


class SenderOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every sender has: which of its notices are about recordings. No buckets means all of EMG_BUCKETS."""

    buckets: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("",)
    suffixes: tuple[str, ...] = (".c3d",)
