"""The cluster on one machine: sessions, Jobs and pods as JSON files that survive a restart.

Behaves as the API server does where its users can tell: metadata, conflicts, merged status, watches.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from emg_operator.bodies import Kind
from emg_operator.cluster import SessionGone, StatusConflict
from emg_session.resource import EMGSession
from emg_session.status import SessionStatus

Body = dict[str, Any]
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

    async def create_job(self, manifest: dict[str, Any]) -> None:
        """Create a Job; one of that name being there already means done."""
        self.add(Kind.JOB, manifest)

    async def create_event(self, manifest: dict[str, Any]) -> None:
        """Tell nobody: on one machine the log and the status are at hand."""

    async def save_status(self, body: Mapping[str, Any], status: SessionStatus) -> dict[str, Any]:
        """Write a session's status over the version in `body`; raises StatusConflict, SessionGone."""
        meta = body["metadata"]
        if (Kind.SESSION, meta["name"]) not in self._texts:
            raise SessionGone("the session is gone")
        if self.body(Kind.SESSION, meta["name"])["metadata"]["resourceVersion"] != meta["resourceVersion"]:
            raise StatusConflict("the session changed since it was read")
        return self.merge_status(Kind.SESSION, meta["name"], msgspec.to_builtins(status))

    def add(self, kind: Kind, manifest: Mapping[str, Any]) -> bool:
        """Store a new body with the metadata that a server gives it; False if one of its name is there."""
        name = manifest["metadata"]["name"]
        if (kind, name) in self._texts:
            return False
        given = {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": timestamp(self._now())}
        self._save(kind, "ADDED", dict(manifest) | {"metadata": manifest["metadata"] | given})
        return True

    def merge_status(self, kind: Kind, name: str, status: Mapping[str, Any]) -> Body:
        """Set these fields of a body's status; nothing happens where nothing changes."""
        body = self.body(kind, name)
        merged = body.get("status", {}) | status
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
