"""Answers to a decision's questions: what database and storage say of a session right now."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

from emg_operator.surroundings import DatabaseState, NoSummary, NotReadable, ObjectState, Readable
from emg_session.contract import WorkerContract
from emg_session.errors import (
    DatabaseUnavailable,
    Failure,
    RecordingChanged,
    RecordingNotThere,
    SchemaMismatch,
    StorageUnavailable,
    UnknownBucket,
)
from emg_session.resource import EMGSession, RecordingRef
from emg_session.summary import summary_facts

_OUTAGE = timedelta(seconds=4)
_DATABASE = "the database"  # no name of a bucket
_NOT_READABLE: dict[type[Failure], NotReadable] = {
    RecordingNotThere: NotReadable.NOT_THERE,
    RecordingChanged: NotReadable.OTHER_VERSION,
    StorageUnavailable: NotReadable.UNREACHABLE,
    UnknownBucket: NotReadable.REFUSED,
}


class Summaries(Protocol):
    """What is asked of the database."""

    async def load_summary(
        self, name: str, recording: RecordingRef, parameters: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return the summary of a session for exactly these parameters. Raises DatabaseUnavailable."""


class Recordings(Protocol):
    """What is asked of storage."""

    async def size(self, uri: str, version: str) -> int:
        """Return the size in bytes of exactly this version. Raises as RecordingStore.size does."""


class Answers:
    """Asks, and where nobody answered, does not ask again for some seconds: an outage must not hold up everything."""

    def __init__(self, summaries: Summaries, recordings: Recordings | None, now: Callable[[], datetime]) -> None:
        self._summaries = summaries
        self._recordings = recordings
        self._outages = _Outages(now)

    async def database(self, session: EMGSession) -> DatabaseState:
        """Return what the database has of the session."""
        if self._outages.has(_DATABASE):
            return NoSummary.UNREACHABLE
        try:
            with self._outages.noticed(_DATABASE):
                summary = await self._summaries.load_summary(
                    session.name, session.spec.recording, WorkerContract.of(session).parameters()
                )
        except (DatabaseUnavailable, SchemaMismatch):
            return NoSummary.UNREACHABLE
        return NoSummary.MISSING if summary is None else summary_facts(summary)

    async def object(self, session: EMGSession) -> ObjectState:
        """Return whether storage has the recording; without access to storage, leave that to the worker."""
        if self._recordings is None:
            return Readable()
        recording = session.spec.recording
        bucket = _bucket(recording.uri)
        if self._outages.has(bucket):
            return NotReadable.UNREACHABLE
        try:
            with self._outages.noticed(bucket):
                return Readable(size_bytes=await self._recordings.size(recording.uri, recording.version))
        except tuple(_NOT_READABLE) as failure:
            return NotReadable.FORBIDDEN if _is_refusal(failure) else _NOT_READABLE[type(failure)]


class _Outages:
    """Who did not answer a moment ago; a clock that jumps ends it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._noticed_at: dict[str, datetime] = {}

    def has(self, name: str) -> bool:
        noticed_at = self._noticed_at.get(name)
        return noticed_at is not None and timedelta(0) <= self._now() - noticed_at < _OUTAGE

    @contextmanager
    def noticed(self, name: str) -> Iterator[None]:
        try:
            yield
        except (DatabaseUnavailable, SchemaMismatch, StorageUnavailable) as failure:
            if not _is_refusal(failure):
                self._noticed_at[name] = self._now()
            raise
        self._noticed_at.pop(name, None)


def _is_refusal(failure: Failure) -> bool:
    return isinstance(failure, StorageUnavailable) and failure.refused


def _bucket(uri: str) -> str:
    return uri.partition("://")[2].partition("/")[0]
