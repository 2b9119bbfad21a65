"""Which objects the sweep takes for recordings: those that a sender may tell of (EMG_SENDERS), else all .c3d files."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from emg_session.settings import json_setting

_EXAMPLE = '{"supabase": {"buckets": ["recordings"], "prefixes": ["P"], "suffixes": [".c3d"]}}'


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """One sender's part of EMG_SENDERS that is about objects; what else is set for it is the receiver's."""

    buckets: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("",)
    suffixes: tuple[str, ...] = (".c3d",)

    def admits(self, bucket: str, key: str) -> bool:
        """Whether this sender may tell of an object."""
        suffixes = tuple(suffix.lower() for suffix in self.suffixes)
        in_bucket = not self.buckets or bucket in self.buckets
        return in_bucket and key.startswith(self.prefixes) and key.lower().endswith(suffixes)


@dataclass(frozen=True)
class Wanted:
    """What any of the senders may tell of."""

    filters: Sequence[Filter] = (Filter(),)

    @classmethod
    def from_json(cls, text: str) -> "Wanted":
        """Parse EMG_SENDERS; raises InvalidSettings."""
        filters = json_setting(text, dict[str, Filter], "EMG_SENDERS", _EXAMPLE)
        return cls(tuple(filters.values()) or (Filter(),))

    def admits(self, bucket: str, key: str) -> bool:
        """Whether an object may be a recording."""
        return any(one.admits(bucket, key) for one in self.filters)
