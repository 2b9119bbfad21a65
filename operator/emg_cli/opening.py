"""FILE or URI: a recording on this machine or in a bucket of EMG_BUCKETS, read by the same code."""

import os
from dataclasses import dataclass
from pathlib import Path

import emg_core

from emg_api.layouts import complete_layout, read_start
from emg_session.errors import RecordingNotThere
from emg_session.recordings import Buckets, RecordingStore, StoredBytes
from emg_session.settings import required


@dataclass(frozen=True)
class OpenRecording:
    """A recording and the store to read it from."""

    store: RecordingStore
    uri: str

    async def read(self) -> StoredBytes:
        """Read all of it."""
        return await self.store.read(self.uri)

    async def read_frames(self, start: int, end: int, version: str) -> bytes:
        """Read some bytes of the version whose layout is known."""
        return (await self.store.read_range(self.uri, start, end, version)).data

    async def layout(self) -> tuple[emg_core.Layout, str]:
        """Read its header alone; return the layout and the object's version."""
        start = await read_start(self.store, self.uri)
        return await complete_layout(self.store, self.uri, start), start.version


def open_recording(source: str) -> OpenRecording:
    """Find a recording; raises RecordingNotThere for a file that is not there, InvalidSettings, UnknownBucket."""
    if "://" in source:
        buckets = Buckets.from_json(required(os.environ, "EMG_BUCKETS", "which buckets may be read"))
        return OpenRecording(RecordingStore(buckets), source)
    path = Path(source).resolve()
    if not path.is_file():
        raise RecordingNotThere(f"{source} is no file: give a C3D file or a URI in a bucket of EMG_BUCKETS")
    folder = Buckets({"folder": path.parent.as_uri()})
    return OpenRecording(RecordingStore(folder), folder.uri("folder", path.name))
