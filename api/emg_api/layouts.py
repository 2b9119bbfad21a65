"""Where a recording's samples lie, learnt from as few bytes as that takes."""

from collections import OrderedDict
from dataclasses import dataclass, field

import emg_core

from emg_api.metrics import Cache, Metrics
from emg_session.core_errors import core_errors
from emg_session.errors import CorruptRecording
from emg_session.recordings import RecordingStore, StoredBytes

_FIRST_BYTES = 4096
_MOST_HEADER_BYTES = 1024 * 1024
_KEPT_LAYOUTS = 256


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
    """The layouts asked for most recently; an object's version never changes, so neither does its layout."""

    recordings: RecordingStore
    metrics: Metrics
    _kept: OrderedDict[tuple[str, str], emg_core.Layout] = field(default_factory=OrderedDict, init=False, repr=False)

    async def of(self, uri: str, version: str) -> emg_core.Layout:
        """Return a recording's layout, read once; raises what `complete_layout` does."""
        key = (uri, version)
        self.metrics.looked_up(Cache.LAYOUTS, hit=key in self._kept)
        if key not in self._kept:
            start = await read_start(self.recordings, uri, version)
            self._kept[key] = await complete_layout(self.recordings, uri, start)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT_LAYOUTS:
            self._kept.popitem(last=False)
        return self._kept[key]
