"""Stores that keep sessions in memory, for tests of what uses them; they do what the real ones do."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from emg_session.database import AnalysisResult, StoredSession
from emg_session.errors import ClusterUnavailable, DatabaseUnavailable
from emg_session.resource import EMGSession, RecordingRef, session_id, subject_of

CREATED_AT = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)


@dataclass
class MemorySessions:
    """A SessionStore; `away` makes it answer as a cluster that is not there."""

    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: bool = False

    async def create(self, manifest: Mapping[str, Any]) -> bool:
        self._answer()
        name = manifest["metadata"]["name"]
        created = name not in self.manifests
        self.manifests.setdefault(name, dict(manifest))
        return created

    async def load(self, name: str) -> EMGSession | None:
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
    """Does what SummaryStore does; `away` makes it answer as a database that is not there."""

    rows: dict[str, StoredSession] = field(default_factory=dict)
    results: dict[tuple[str, bytes], dict[str, Any]] = field(default_factory=dict)
    away: bool = False

    async def check_schema(self) -> None:
        self._answer()

    async def save_received(self, name: str, recording: RecordingRef, metadata: Mapping[str, Any] | None) -> None:
        self._answer()
        known = self.rows.setdefault(name, _row(name, recording))
        if metadata is not None:
            self.rows[name] = replace(known, game_metadata=dict(metadata))

    async def save_result(self, name: str, recording: RecordingRef, result: AnalysisResult) -> None:
        await self.save_received(name, recording, result.recording)
        summary = msgspec.json.decode(result.summary_json)
        self.rows[name] = replace(self.rows[name], analytics_summary=summary)
        self.results[name, msgspec.json.encode(result.parameters)] = summary

    async def load_summary(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        self._answer()
        return self.results.get((name, msgspec.json.encode(parameters)))

    async def find_session(self, key: str) -> StoredSession | None:
        self._answer()
        return next((row for row in self.rows.values() if key in (row.session_code, str(row.id))), None)

    async def list_sessions(self, limit: int) -> list[StoredSession]:
        self._answer()
        return list(reversed(self.rows.values()))[:limit]

    def _answer(self) -> None:
        if self.away:
            raise DatabaseUnavailable("the database does not answer")


def _row(name: str, recording: RecordingRef) -> StoredSession:
    return StoredSession(
        id=session_id(name),
        session_code=name,
        file_path=recording.uri,
        object_version=recording.version,
        file_size_bytes=recording.size_bytes,
        subject=subject_of(recording.uri),
        game_metadata=None,
        created_at=CREATED_AT,
        analytics_summary=None,
    )
