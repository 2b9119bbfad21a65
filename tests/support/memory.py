"""Stores that keep sessions in memory, for tests of what uses them; they do what the real ones do."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import msgspec

from emg_session.audit import AuditEntry
from emg_session.contract import WorkerContract
from emg_session.database import AnalysisResult, StoredSession, listed
from emg_session.errors import (
    ClusterUnavailable,
    DatabaseUnavailable,
    Failure,
    RecordingErased,
    SchemaMismatch,
    SummaryRefused,
)
from emg_session.listing import EVERY_SESSION, ListedSession, Place, Progress, SessionFilter
from emg_session.migrate import schema_version
from emg_session.resource import EMGSession, RecordingRef, SessionSpec, session_id
from emg_session.results import MOST_RESULTS, StoredResult

CREATED_AT = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)


@dataclass
class MemorySessions:
    """A SessionStore; `away` makes it answer as a cluster that is not there, `silent` lets sessions be loaded for ever.

    `loading` is how many are.
    """

    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: bool = False
    silent: bool = False
    loading: int = 0

    async def create(self, manifest: Mapping[str, Any]) -> bool:
        self._answer()
        name = manifest["metadata"]["name"]
        created = name not in self.manifests
        self.manifests.setdefault(name, dict(manifest))
        return created

    async def load(self, name: str) -> EMGSession | None:
        if self.silent:
            self.loading += 1
            await asyncio.Event().wait()
        self._answer()
        manifest = self.manifests.get(name)
        if manifest is None:
            return None
        meta = {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": CREATED_AT.isoformat()}
        return EMGSession.from_body(
            manifest | {"metadata": manifest["metadata"] | meta, "status": self.statuses.get(name, {})}
        )

    def _answer(self) -> None:
        if self.away:
            raise ClusterUnavailable("the Kubernetes API does not answer")


@dataclass
class MemorySummaries:
    """Does what SummaryStore does; `away` makes it answer as a database that is not there, `schema` as another one.

    `silent` lets its schema be asked for ever; `checks` is how often it was.
    """

    rows: dict[str, StoredSession] = field(default_factory=dict)
    keys: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    results: dict[tuple[str, bytes], dict[str, Any]] = field(default_factory=dict)
    makers: dict[tuple[str, bytes], set[str]] = field(default_factory=dict)
    away: bool = False
    silent: bool = False
    checks: int = 0
    schema: int = field(default_factory=schema_version)
    erased_subjects: set[str | None] = field(default_factory=set)

    async def check_schema(self) -> None:
        self.checks += 1
        if self.silent:
            await asyncio.Event().wait()
        self._answer()
        if self.schema != schema_version():
            raise SchemaMismatch(f"database schema is {self.schema}, this program needs {schema_version()}")

    async def save_received(self, name: str, spec: SessionSpec, metadata: Mapping[str, Any] | None) -> None:
        self._answer()
        if spec.subject in self.erased_subjects:
            raise RecordingErased("the recording was erased, and must not come back")
        known = self.rows.setdefault(name, _row(name, spec))
        if not self._is_of(name, spec.recording):
            raise SummaryRefused("the session's name belongs to another recording")
        self.keys.setdefault(name, ("", _parameters(WorkerContract(session_name=name, spec=spec).parameters())))
        if metadata is not None:
            self.rows[name] = replace(known, game_metadata=dict(metadata))

    async def save_result(self, name: str, spec: SessionSpec, result: AnalysisResult) -> None:
        await self.save_received(name, spec, result.recording)
        self.keys[name] = (result.file_hash, _parameters(result.parameters))
        self.results[self.keys[name]] = msgspec.json.decode(result.summary_json)
        self.makers.setdefault(self.keys[name], set()).add(name)

    async def load_summary(
        self, name: str, recording: RecordingRef, parameters: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        self._answer()
        if not self._is_of(name, recording):
            return None
        file_hash, _ = self.keys.get(name, ("", b""))
        return self.results.get((file_hash, _parameters(parameters)))

    def _is_of(self, name: str, recording: RecordingRef) -> bool:
        row = self.rows.get(name)
        return row is not None and (row.file_path, row.object_version) == (recording.uri, recording.version)

    async def known_sessions(self, specs: Mapping[str, SessionSpec]) -> set[str]:
        self._answer()
        return {name for name in specs if name in self.rows} | await self.erased_sessions(specs)

    async def erased_sessions(self, specs: Mapping[str, SessionSpec]) -> set[str]:
        self._answer()
        return {name for name, spec in specs.items() if spec.subject in self.erased_subjects}

    async def find_session(self, key: str) -> StoredSession | None:
        self._answer()
        found = (name for name, row in self.rows.items() if key in (row.session_code, str(row.id)))
        return next(map(self.session, found), None)

    async def list_sessions(
        self, limit: int, wanted: SessionFilter = EVERY_SESSION, after: Place | None = None
    ) -> list[ListedSession]:
        self._answer()
        every = sorted((listed(self.session(name)) for name in self.rows), key=_newest_first, reverse=True)
        later = (found for found in every if after is None or _newest_first(found) < _newest_first(after))
        return [found for found in later if _is_wanted(found, wanted)][:limit]

    async def list_results(self, session_code: str, limit: int = MOST_RESULTS) -> list[StoredResult]:
        return [_told(summary, own=own) for own, summary in self._results_of(session_code)][:limit]

    async def load_result(self, session_code: str, profile: str) -> dict[str, Any] | None:
        every = (summary for _, summary in self._results_of(session_code))
        return next((one for one in every if profile in (one["profile"]["name"], one["profile"]["digest"])), None)

    def _results_of(self, session_code: str) -> list[tuple[bool, dict[str, Any]]]:
        self._answer()
        own = self.keys[session_code]
        newest_first = reversed(self.results.items())
        of_recording = ((key, summary) for key, summary in newest_first if key[0] == own[0])
        every = [(key == own, summary) for key, summary in of_recording if key == own or self._made(key, session_code)]
        return sorted(every, key=lambda one: not one[0])

    def _made(self, key: tuple[str, bytes], session_code: str) -> bool:
        subject = self.rows[session_code].subject
        makers = self.makers[key]
        return session_code in makers or (
            subject is not None and subject in {self.rows[name].subject for name in makers}
        )

    def session(self, name: str) -> StoredSession:
        """Return a row with its summary."""
        return replace(self.rows[name], analytics_summary=self.results.get(self.keys[name]))

    def _answer(self) -> None:
        if self.away:
            raise DatabaseUnavailable("the database does not answer")


def _newest_first(place: ListedSession | Place) -> tuple[datetime, str]:
    return place.created_at, place.session_code


def _is_wanted(found: ListedSession, wanted: SessionFilter) -> bool:
    words = " ".join(filter(None, (found.session_code, found.subject, PurePosixPath(found.file_path).name)))
    day = found.created_at.astimezone(UTC).date()
    return (
        wanted.subject in (None, found.subject)
        and (wanted.subjects is None or found.subject in wanted.subjects)
        and wanted.profile in (None, found.profile)
        and wanted.progress in (None, Progress.ANALYZED if found.analyzed else Progress.WAITING)
        and wanted.quality in (None, found.quality)
        and (wanted.first_day or day) <= day <= (wanted.last_day or day)
        and (wanted.search or "").lower() in words.lower()
    )


@dataclass
class MemoryAudit:
    """An AuditStore; `failure`, if there is one, is what it raises instead of storing."""

    lines: list[AuditEntry] = field(default_factory=list)
    failure: Failure | None = None

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        if self.failure:
            raise self.failure
        known = {line.id for line in self.lines}
        self.lines += [entry for entry in entries if entry.id not in known]


def _told(summary: Mapping[str, Any], *, own: bool) -> StoredResult:
    return StoredResult(
        profile=summary["profile"]["name"],
        digest=summary["profile"]["digest"],
        core_version=summary["provenance"]["core_version"],
        computed_at=CREATED_AT,
        own=own,
    )


def _parameters(values: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(values, order="deterministic")


def _row(name: str, spec: SessionSpec) -> StoredSession:
    return StoredSession(
        id=session_id(name),
        session_code=name,
        file_path=spec.recording.uri,
        object_version=spec.recording.version,
        file_size_bytes=spec.recording.size_bytes,
        subject=spec.subject,
        profile=spec.profile,
        game_metadata=None,
        created_at=CREATED_AT,
        analytics_summary=None,
    )
