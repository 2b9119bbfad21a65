"""Where a recording's samples lie, learnt from as few bytes as that takes."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import emg_core

from emg_api.metrics import Cache, Metrics
from emg_api.shared_work import SharedWork
from emg_session.core_errors import core_errors
from emg_session.errors import CorruptRecording
from emg_session.recordings import RecordingStore, StoredBytes

_FIRST_BYTES = 4096
_MOST_HEADER_BYTES = 1024 * 1024
_KEPT_LAYOUTS = 256


@dataclass(frozen=True, kw_only=True)
class KnownRecording:
    """A recording whose header is read: where its samples lie, and the `recording` part of its summary."""

    layout: emg_core.Layout
    metadata: Mapping[str, Any]

    @property
    def rate_hz(self) -> float:
        """Samples a second; raises CorruptRecording where the header does not tell."""
        rate_hz: float | None = self.metadata["sample_rate_hz"]
        if not (rate_hz and self.samples_per_channel):
            raise CorruptRecording("the recording has no sampling rate or no sample")
        return rate_hz

    @property
    def samples_per_channel(self) -> int:
        """How many samples each channel has."""
        return int(self.metadata["samples_per_channel"])

    @property
    def duration_s(self) -> float:
        """How long the recording is."""
        return self.samples_per_channel / self.rate_hz

    def channel(self, number: int) -> Mapping[str, Any]:
        """Return what the header says of a channel."""
        return cast(Mapping[str, Any], self.metadata["channels"][number])


async def read_start(recordings: RecordingStore, uri: str, version: str | None = None) -> StoredBytes:
    """Read a recording's first bytes, which for most files hold the whole header; tells size and version too."""
    return await recordings.read_range(uri, 0, _FIRST_BYTES, version)


async def complete_layout(recordings: RecordingStore, uri: str, start: StoredBytes) -> emg_core.Layout:
    """Parse the header, reading what `start` lacks of it once; raises NotC3d, CorruptRecording, RecordingChanged."""
    with core_errors():
        try:
            return emg_core.Layout(start.data, start.size_bytes)
        except emg_core.NeedMoreBytes as more:
            needed = more.needed
        if needed > min(_MOST_HEADER_BYTES, start.size_bytes):
            raise CorruptRecording(f"the header claims {needed} bytes")
        rest = await recordings.read_range(uri, len(start.data), needed, start.version)
        return emg_core.Layout(start.data + rest.data, start.size_bytes)


@dataclass(frozen=True)
class Layouts:
    """The recordings asked for most recently; an object's version never changes, so neither does its layout."""

    recordings: RecordingStore
    metrics: Metrics
    _kept: OrderedDict[tuple[str, str], KnownRecording] = field(default_factory=OrderedDict, init=False, repr=False)
    _reading: SharedWork[KnownRecording] = field(default_factory=SharedWork, init=False, repr=False)

    async def of(self, uri: str, version: str) -> KnownRecording:
        """Return a recording's layout, read once; raises what `complete_layout` does."""
        key = (uri, version)
        known = self._kept.get(key)
        self.metrics.looked_up(Cache.LAYOUTS, hit=known is not None)
        if known is None:
            known = self._kept[key] = await self._reading.result(key, partial(self._read, uri, version))
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT_LAYOUTS:
            self._kept.popitem(last=False)
        return known

    async def _read(self, uri: str, version: str) -> KnownRecording:
        layout = await complete_layout(self.recordings, uri, await read_start(self.recordings, uri, version))
        return KnownRecording(layout=layout, metadata=layout.metadata)
