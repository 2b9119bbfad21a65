"""Senders as they are set up: whose notices are taken, how they prove themselves, which recordings they may tell of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from emg_api.adapters.notice import Adapter, Arrival, Because, Ignored
from emg_api.adapters.options import Fetch, SenderOptions
from emg_api.adapters.table import SENDERS
from emg_api.refusals import UnknownSender
from emg_session.errors import InvalidSettings
from emg_session.recordings import Buckets
from emg_session.settings import json_setting

_KEYS, _OPTIONS = "EMG_WEBHOOK_SECRETS", "EMG_SENDERS"
_KEYS_EXAMPLE = '{"supabase": ["a long random key"]}'
_OPTIONS_EXAMPLE = '{"supabase": {"buckets": ["recordings"], "prefixes": ["P"], "suffixes": [".c3d"]}}'
_MOST_KEYS = 8


@dataclass(frozen=True, kw_only=True)
class SenderSettings:
    """What is set for one sender."""

    name: str
    keys: tuple[str, ...] = field(default=(), repr=False)
    options: SenderOptions


@dataclass(frozen=True, kw_only=True)
class Sender:
    """A sender whose notices are taken."""

    name: str
    adapter: Adapter
    options: SenderOptions

    def sort_out(self, arrival: Arrival, buckets: Buckets) -> Arrival:
        """Return a notice only where it is about a recording that this sender may tell of."""
        if isinstance(arrival, Ignored):
            return arrival
        # Storage tells of every bucket it has, so another bucket is no error; nothing of it is read.
        if arrival.bucket not in buckets.uris:
            return Ignored(Because.OTHER_BUCKET, "the bucket is not in EMG_BUCKETS")
        if self.options.buckets and arrival.bucket not in self.options.buckets:
            return Ignored(Because.OTHER_BUCKET, "the bucket is not one of this sender's")
        if not arrival.key.lower().endswith(tuple(suffix.lower() for suffix in self.options.suffixes)):
            return Ignored(Because.NO_RECORDING, f"the object is no {' or '.join(self.options.suffixes)} file")
        if not arrival.key.startswith(self.options.prefixes):
            return Ignored(Because.OTHER_PREFIX, "the object's key starts with none of this sender's prefixes")
        return arrival

    def welcomes(self, origin: str) -> bool:
        """Whether events from this origin are wanted, as CloudEvents' webhooks ask first."""
        return origin in getattr(self.options, "origins", ())


def parse_senders(keys_text: str, options_text: str, buckets: Buckets) -> tuple[SenderSettings, ...]:
    """Parse EMG_WEBHOOK_SECRETS and EMG_SENDERS; raises InvalidSettings where a sender could not prove itself."""
    keys = json_setting(keys_text or "{}", dict[str, tuple[str, ...]], _KEYS, _KEYS_EXAMPLE)
    options = json_setting(options_text or "{}", dict[str, msgspec.Raw], _OPTIONS, _OPTIONS_EXAMPLE)
    if not options and not any(keys.values()):
        raise InvalidSettings(
            f"{_KEYS} has no key for supabase or any other sender, so every notice would be refused; "
            f"for example {_KEYS_EXAMPLE}"
        )
    return tuple(_parsed(name, keys.get(name, ()), options.get(name), buckets) for name in sorted(keys | options))


def build_senders(settings: Sequence[SenderSettings], fetch: Fetch) -> Mapping[str, Sender]:
    """Build the adapters; raises InvalidSettings for keys or options that are none."""
    return {
        one.name: Sender(
            name=one.name,
            adapter=SENDERS[one.name].build(one.keys, one.options, fetch),
            options=one.options,
        )
        for one in settings
    }


def find_sender(senders: Mapping[str, Sender], name: str) -> Sender:
    """Return a sender; raises UnknownSender."""
    sender = senders.get(name)
    if sender is None:
        known = f"nothing is set for {name}" if name in SENDERS else f"senders are {', '.join(SENDERS)}"
        raise UnknownSender(f"no notices are taken under this address: {known}")
    return sender


def _parsed(name: str, keys: tuple[str, ...], options: msgspec.Raw | None, buckets: Buckets) -> SenderSettings:
    kind = SENDERS.get(name)
    if kind is None:
        raise InvalidSettings(f"{_KEYS} or {_OPTIONS} names {name!r}: senders are {', '.join(SENDERS)}")
    check_keys(keys, _KEYS)
    if kind.needs_key and not keys:
        raise InvalidSettings(f"{_KEYS} has no key for {name}, so its every notice would be refused: give it one")
    text = bytes(options).decode() if options else "{}"
    given = json_setting(text, kind.options, f"{_OPTIONS} of {name}", _OPTIONS_EXAMPLE)
    unknown = [bucket for bucket in given.buckets if bucket not in buckets.uris]
    if unknown:
        raise InvalidSettings(f"{_OPTIONS} gives {name} the bucket {unknown[0]!r}, which is not in EMG_BUCKETS")
    return SenderSettings(name=name, keys=keys, options=given)


def check_keys(keys: Sequence[str], source: str) -> None:
    """Raise InvalidSettings for an empty key, with which anybody could sign, and for more than are ever alive."""
    if not all(key.strip() for key in keys):
        raise InvalidSettings(f"{source} holds an empty key: remove it or make it long and random")
    if len(keys) > _MOST_KEYS:
        raise InvalidSettings(
            f"{source} holds {len(keys)} keys of one sender: two are enough to replace one, {_MOST_KEYS} the most"
        )
