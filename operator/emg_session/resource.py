"""The EMGSession resource: its names, its spec, and how a body from the API server becomes one."""

import base64
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from emg_session.errors import InvalidSession
from emg_session.object_order import UNKNOWN_ORDER, ObjectOrder
from emg_session.status import SessionStatus, Wire
from emg_session.trace import traceparent_of

T = TypeVar("T")

GROUP = "emg.ghostly"
VERSION = "v1alpha1"
PLURAL = "emgsessions"
KIND = "EMGSession"
API_VERSION = f"{GROUP}/{VERSION}"
SESSION_LABEL = "emg.ghostly/session"
RERUN_ANNOTATION = "emg.ghostly/rerun"
OBJECT_LABEL = "emg.ghostly/object"
# Of the operator's lease: another value asks for a sweep now.
SWEEP_ANNOTATION = "emg.ghostly/sweep"

# The CRD says the same.
DEFAULT_PROFILE = "standard-1"
MOST_SIZE_BYTES = 2**40
DEFAULT_TTL_SECONDS = 604_800

_SESSION_NAMESPACE = uuid.UUID("5f0d1b43-5a0e-5e2c-9c1c-0e6d67686f73")
_MISSING = re.compile(r"^Object missing required field `(\w+)`")
_SUBJECT = re.compile(r"[A-Z]{1,4}[0-9]{1,6}")


class RecordingRef(Wire, frozen=True, kw_only=True, rename="camel"):
    """One immutable object: where it is and which version; `size_bytes` as the notice or storage said."""

    uri: str
    version: str
    size_bytes: int | None = None


class Reference(Wire, frozen=True, kw_only=True, rename="camel"):
    """A muscle's maximum voluntary contraction, as measured apart from the session."""

    muscle: str
    mvc_nanovolts: int


class JobOptions(Wire, frozen=True, kw_only=True, rename="camel"):
    """What a session may ask of its Job; absent means the operator's setting."""

    memory_mib: int | None = msgspec.field(default=None, name="memoryMiB")
    cpu_millis: int | None = None
    deadline_seconds: int | None = None
    max_attempts: int | None = None
    queue_name: str | None = None


class SessionSpec(Wire, frozen=True, kw_only=True, rename="camel"):
    """What is to be analysed and how; options are the profile's, in camelCase integers."""

    recording: RecordingRef
    subject: str | None = None
    profile: str
    options: dict[str, int] = msgspec.field(default_factory=dict)
    reference: tuple[Reference, ...] = ()
    suspend: bool = False
    ttl_seconds_after_finished: int | None = None
    job: JobOptions = JobOptions()


@dataclass(frozen=True, kw_only=True)
class EMGSession:
    """An EMGSession as the API server holds it."""

    name: str
    namespace: str
    uid: str
    generation: int
    created_at: datetime
    spec: SessionSpec
    status: SessionStatus
    order: ObjectOrder = UNKNOWN_ORDER
    traceparent: str | None = None
    rerun: str | None = None

    @property
    def key(self) -> str:
        """Namespace and name: what tells sessions of a cluster apart."""
        return f"{self.namespace}/{self.name}"

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> "EMGSession":
        """Parse a body; raises InvalidSession naming the field that is wrong."""
        meta = body["metadata"]
        try:
            return cls(
                name=meta["name"],
                namespace=meta["namespace"],
                uid=meta["uid"],
                generation=meta.get("generation", 1),
                created_at=_read(meta, "creationTimestamp", datetime),
                spec=_read(body, "spec", SessionSpec),
                status=_read({"status": body.get("status") or {}}, "status", SessionStatus),
                order=ObjectOrder.from_annotations(meta.get("annotations") or {}),
                traceparent=traceparent_of(meta.get("annotations") or {}),
                rerun=(meta.get("annotations") or {}).get(RERUN_ANNOTATION),
            )
        except KeyError as error:
            raise _unreadable(str(error.args[0])) from error


def _read(body: Mapping[str, Any], part: str, kind: type[T]) -> T:
    try:
        return msgspec.convert(body[part], kind)
    except msgspec.ValidationError as error:
        # Its own words hold what is there, which may be anything: the path alone tells nothing of it.
        missing = _MISSING.search(str(error))
        path = str(error).rpartition("`$")[2].rstrip("`") if "`$" in str(error) else ""
        raise _unreadable(part + path + (f".{missing[1]}" if missing else "")) from None


def _unreadable(field: str) -> InvalidSession:
    failure = InvalidSession(f"{field} can't be read; compare `kubectl explain emgsession`")
    failure.field = field
    return failure


def session_name(uri: str, version: str) -> str:
    """Name the session of one object version: the same object and version give the same name everywhere."""
    return "emg-" + _short_hash(f"{uri}\n{version}")


def object_label(uri: str) -> str:
    """Return the value of OBJECT_LABEL: the same for all versions of one object, and for nothing else."""
    return _short_hash(uri)


def _short_hash(text: str) -> str:
    """Return 60 bits of a hash, as characters that labels and names may have."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode("ascii").lower()[:12]


def session_id(name: str) -> uuid.UUID:
    """Return the database key of a session, derived from its name so that nobody has to ask for it."""
    return uuid.uuid5(_SESSION_NAMESPACE, name)


def subject_of(key: str) -> str | None:
    """Return the first folder of an object key that is a pseudonymous code, such as P001."""
    return next((part for part in PurePosixPath(key).parts[:-1] if _SUBJECT.fullmatch(part)), None)


def is_recording(key: str) -> bool:
    """Whether an object's key names a C3D file."""
    return key.lower().endswith(".c3d")


def build_spec(recording: RecordingRef, key: str) -> SessionSpec:
    """Say what a new recording's session asks for, whoever found it: the receiver and the sweep make the same."""
    return SessionSpec(recording=recording, subject=subject_of(key), profile=DEFAULT_PROFILE)


def build_session(
    spec: SessionSpec, *, namespace: str, annotations: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """Build the manifest that the receiver and the sweep create; annotations tell how it came to be."""
    uri, version = spec.recording.uri, spec.recording.version
    metadata = {"name": session_name(uri, version), "namespace": namespace, "labels": {OBJECT_LABEL: object_label(uri)}}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata | ({"annotations": dict(annotations)} if annotations else {}),
        "spec": msgspec.to_builtins(spec),
    }
