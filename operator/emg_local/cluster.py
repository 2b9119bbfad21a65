"""The cluster on one machine: sessions, Jobs and pods as JSON files that survive a restart.

Behaves as the API server does where its users can tell: metadata, conflicts, merged status, watches.
"""

import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from emg_operator.bodies import Body, Kind
from emg_operator.cluster import SessionGone, StatusConflict, status_patch
from emg_operator.observed import Family
from emg_session.resource import SESSION_LABEL, EMGSession
from emg_session.status import SessionStatus

Watcher = Callable[[Kind, str | None, Body], None]


class LocalCluster:
    """Bodies below one folder; a SessionStore for the receiver and a Cluster for the operator."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self._watchers: list[Watcher] = []
        # Kept as text, so that nobody can change what is stored by changing what was handed out.
        self._texts: dict[tuple[Kind, str], str] = {}
        for kind in Kind:
            self._kind_folder(kind).mkdir(parents=True, exist_ok=True)
            for path in sorted(self._kind_folder(kind).glob("*.json")):
                self._texts[kind, path.stem] = path.read_text()
        self._version = max(map(_version, self._texts.values()), default=0)

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher what there is, and from now on every change."""
        self._watchers.append(watcher)
        for (kind, _), text in list(self._texts.items()):
            watcher(kind, None, json.loads(text))

    async def create(self, manifest: Mapping[str, Any]) -> bool:
        """Create a session; False if it is there already."""
        return self.add(Kind.SESSION, manifest)

    async def load(self, name: str) -> EMGSession | None:
        """Return a session by name, None where there is none."""
        known = (Kind.SESSION, name) in self._texts
        return EMGSession.from_body(self.body(Kind.SESSION, name)) if known else None

    async def list_sessions(self) -> AsyncIterator[Body]:
        """Return every session."""
        for body in self.bodies(Kind.SESSION):
            yield body

    async def load_session(self, _namespace: str, name: str) -> Body:
        """Return a session's body; raises SessionGone."""
        if (Kind.SESSION, name) not in self._texts:
            raise SessionGone("the session is gone")
        return self.body(Kind.SESSION, name)

    async def load_family(self, namespace: str, name: str) -> Family:
        """Return a session with its Jobs; raises SessionGone."""
        jobs = [job for job in self.bodies(Kind.JOB) if job["metadata"].get("labels", {}).get(SESSION_LABEL) == name]
        return Family(session=await self.load_session(namespace, name), jobs=jobs)

    async def create_job(self, manifest: Body) -> Body | None:
        """Create a Job; None where one of that name is there."""
        name = manifest["metadata"]["name"]
        return self.body(Kind.JOB, name) if self.add(Kind.JOB, manifest) else None

    async def delete_job(self, _namespace: str, name: str, uid: str) -> None:
        """Have this very Job stopped: whoever runs it removes it then."""
        if (Kind.JOB, name) not in self._texts:
            return
        job = self.body(Kind.JOB, name)
        if job["metadata"]["uid"] == uid and not job["metadata"].get("deletionTimestamp"):
            meta = job["metadata"] | {"deletionTimestamp": timestamp(self._now())}
            self._save(Kind.JOB, "MODIFIED", job | {"metadata": meta})

    async def save_status(self, body: Body, status: SessionStatus) -> Body:
        """Write a session's status over the version in `body`; raises StatusConflict, SessionGone."""
        await self._check_version(body)
        return self.merge_status(Kind.SESSION, body["metadata"]["name"], status_patch(body, status))

    async def delete_session(self, body: Body) -> None:
        """Remove a session as it is in `body`, and its Jobs; raises StatusConflict, SessionGone."""
        await self._check_version(body)
        family = await self.load_family(body["metadata"]["namespace"], body["metadata"]["name"])
        self.remove(Kind.SESSION, body["metadata"]["name"])
        for job in family.jobs:
            meta = job["metadata"]
            await self.delete_job(meta["namespace"], meta["name"], meta["uid"])

    async def create_event(self, manifest: Body) -> None:
        """Tell nobody: on one machine the log and the status are at hand."""

    async def _check_version(self, body: Body) -> None:
        meta = body["metadata"]
        stored = await self.load_session(meta["namespace"], meta["name"])
        if stored["metadata"]["resourceVersion"] != meta["resourceVersion"]:
            raise StatusConflict("the session changed since it was read")

    def add(self, kind: Kind, manifest: Mapping[str, Any]) -> bool:
        """Store a new body with the metadata that a server gives it; False if one of its name is there."""
        name = manifest["metadata"]["name"]
        if (kind, name) in self._texts:
            return False
        given = {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": timestamp(self._now())}
        self._save(kind, "ADDED", dict(manifest) | {"metadata": manifest["metadata"] | given})
        return True

    def merge_status(self, kind: Kind, name: str, status: Mapping[str, Any]) -> Body:
        """Set these fields of a body's status, drop those that are None; nothing happens where nothing changes."""
        body = self.body(kind, name)
        merged = {field: value for field, value in (body.get("status", {}) | status).items() if value is not None}
        if merged == body.get("status"):
            return body
        return self._save(kind, "MODIFIED", body | {"status": merged})

    def remove(self, kind: Kind, name: str) -> None:
        """Delete a body; none of that name means done."""
        text = self._texts.pop((kind, name), None)
        if text is not None:
            self._path(kind, name).unlink(missing_ok=True)
            self._tell(kind, "DELETED", text)

    def body(self, kind: Kind, name: str) -> Body:
        """Return a body by name; raises KeyError."""
        body: Body = json.loads(self._texts[kind, name])
        return body

    def bodies(self, kind: Kind, prefix: str = "") -> list[Body]:
        """Return all bodies of a kind whose names start so."""
        return [
            json.loads(t) for (stored, name), t in self._texts.items() if stored is kind and name.startswith(prefix)
        ]

    def _save(self, kind: Kind, event: str, body: Body) -> Body:
        self._version += 1
        body["metadata"] = body["metadata"] | {"resourceVersion": str(self._version)}
        name, text = body["metadata"]["name"], json.dumps(body, indent=1)
        path = self._path(kind, name)
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(text)
        unfinished.replace(path)
        self._texts[kind, name] = text
        self._tell(kind, event, text)
        saved: Body = json.loads(text)
        return saved

    def _tell(self, kind: Kind, event: str, text: str) -> None:
        for watcher in self._watchers:
            watcher(kind, event, json.loads(text))

    def _kind_folder(self, kind: Kind) -> Path:
        return self._folder / f"{kind.lower()}s"

    def _path(self, kind: Kind, name: str) -> Path:
        return self._kind_folder(kind) / f"{name}.json"


def timestamp(now: datetime) -> str:
    """Write a time as Kubernetes does: UTC, whole seconds."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _version(text: str) -> int:
    return int(json.loads(text)["metadata"]["resourceVersion"])
