"""Object storage that counts what is read from it."""

from time import perf_counter

from emg_api.metrics import Metrics
from emg_session.recordings import Buckets, RecordingStore, StoredBytes


class MeasuredRecordings(RecordingStore):
    """The store of recordings; each answered read is counted and timed."""

    def __init__(self, buckets: Buckets, metrics: Metrics) -> None:
        super().__init__(buckets)
        self._metrics = metrics

    async def read_range(self, uri: str, start: int, end: int, version: str | None = None) -> StoredBytes:
        """Read as the store does."""
        started = perf_counter()
        stored = await super().read_range(uri, start, end, version)
        self._metrics.read(len(stored.data), perf_counter() - started)
        return stored
