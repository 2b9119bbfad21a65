"""What the operator writes for the worker (its environment) and the worker for the operator (exit code, message)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

from emg_session.resource import EMGSession, RecordingRef, SessionSpec
from emg_session.settings import json_setting, required
from emg_session.trace import TRACEPARENT_VARIABLE

TERMINATION_MESSAGE_BYTES = 4096
_SENTENCE_BYTES = 1000
_LOG_LINES = 8
_LINE_BYTES = 120


class ExitCode(IntEnum):
    """How a worker ended: 10 to 19 will not get better, 20 to 29 may."""

    STORED = 0
    NOT_C3D = 10
    CORRUPT = 11
    NO_EMG_CHANNEL = 12
    TOO_SHORT = 13
    BAD_REQUEST = 14
    BYTES_CHANGED = 15
    ERASED = 16
    STORAGE_UNAVAILABLE = 20
    DATABASE_UNAVAILABLE = 21
    RECORDING_NOT_THERE = 22
    INTERNAL_ERROR = 70

    @property
    def about_the_recording(self) -> bool:
        """Whether the input is at fault, so that no further attempt can help."""
        return self // 10 == 1


@dataclass(frozen=True, kw_only=True)
class WorkerContract:
    """All that a worker is told about its session."""

    session_name: str
    spec: SessionSpec
    traceparent: str | None = None

    @classmethod
    def of(cls, session: EMGSession) -> "WorkerContract":
        """Return what the worker of this session is told."""
        return cls(session_name=session.name, spec=session.spec, traceparent=session.traceparent)

    def to_env(self) -> dict[str, str]:
        """Write the contract as environment variables; the inverse of `from_env`."""
        trace = {TRACEPARENT_VARIABLE: self.traceparent} if self.traceparent else {}
        return {"EMG_SESSION": self.session_name, "EMG_SESSION_SPEC": msgspec.json.encode(self.spec).decode()} | trace

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "WorkerContract":
        """Read the contract; raises InvalidSettings."""
        name = required(env, "EMG_SESSION", "which session the worker works for")
        spec = required(env, "EMG_SESSION_SPEC", "what is to be analysed, as JSON")
        return cls(
            session_name=name,
            spec=json_setting(spec, SessionSpec, "EMG_SESSION_SPEC", "the session's .spec"),
            traceparent=env.get(TRACEPARENT_VARIABLE) or None,
        )

    @property
    def recording(self) -> RecordingRef:
        """The object to analyse."""
        return self.spec.recording

    def parameters(self) -> dict[str, Any]:
        """Return what, besides the bytes, decides the result: with the file's hash it is the result's key."""
        return {"profile": self.spec.profile, "options": self.core_options()}

    def core_options(self) -> dict[str, Any]:
        """Return the options as emg_core names them, references among them."""
        options: dict[str, Any] = {_snake_case(name): value for name, value in sorted(self.spec.options.items())}
        if self.spec.reference:
            options["mvc_nanovolts"] = {r.muscle: r.mvc_nanovolts for r in self.spec.reference}
        return options


def request_of(session: EMGSession) -> str:
    """Name what a session asks for: what decides its result, and the annotation that asks for it once more."""
    asked = [WorkerContract.of(session).parameters(), session.rerun]
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()[:12]


class TerminationMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The worker's last words, for the operator: never anything from inside the recording.

    Without an exit code the worker was still at work; whoever killed it, this is how far it had come.
    """

    message: str
    exit_code: int | None = None
    used_mib: int | None = None
    log: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Encode as one JSON object of at most 4096 bytes."""
        log = tuple(_cut(line, _LINE_BYTES) for line in self.log[-_LOG_LINES:])
        encoded = msgspec.json.encode(
            msgspec.structs.replace(self, message=_cut(self.message, _SENTENCE_BYTES), log=log)
        )
        if len(encoded) > TERMINATION_MESSAGE_BYTES:
            return msgspec.json.encode(
                msgspec.structs.replace(self, message="the message was too long to keep", log=())
            )
        return encoded

    @classmethod
    def from_text(cls, text: str) -> "TerminationMessage | None":
        """Parse a container's message; None where it holds none of ours (killed, cut off)."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError:
            return None


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore")


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda match: "_" + match[1].lower(), name)
