"""Errors as RFC 9457 problem details: the one table from failures to HTTP statuses, each with what to do."""

from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from emg_api import refusals
from emg_session import errors

_REALM = 'Bearer realm="emg"'
_RETRY_AFTER_SECONDS = "5"
# What may still come of the body is not waited for.
_UNREAD = (refusals.BodyTooLarge, refusals.BodyTooSlow, refusals.UnsupportedMedia)
_WAIT = "Try again after the time in Retry-After; if it stays, look at /readyz and the log."


@dataclass(frozen=True)
class ProblemKind:
    """How one kind of failure is told; `slug` ends the problem's type and never changes."""

    status: HTTPStatus
    slug: str
    title: str
    advice: str
    challenge: str | None = None

    @property
    def type(self) -> str:
        """The URI that names it."""
        return f"urn:emg-operator:problem:{self.slug}"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An RFC 9457 problem; `advice` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    advice: str


BUG = ProblemKind(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "A bug of ours", "Report it with the time; the log has more."
)

KINDS: dict[type[errors.Failure], ProblemKind] = {
    refusals.NotSigned: ProblemKind(
        HTTPStatus.UNAUTHORIZED,
        "not-signed",
        "Not signed by a known sender",
        "Sign the raw body, or send a live key as a bearer token, as the sender's line in the README says.",
        challenge='Bearer realm="webhooks"',
    ),
    refusals.OutOfTime: ProblemKind(
        HTTPStatus.UNAUTHORIZED,
        "out-of-time",
        "Signed at another time",
        "Set the clock, sign anew and send again.",
        challenge='Bearer realm="webhooks"',
    ),
    refusals.UnknownSender: ProblemKind(
        HTTPStatus.NOT_FOUND, "unknown-sender", "Not a sender here", "Give it a key in EMG_WEBHOOK_SECRETS."
    ),
    refusals.OriginRefused: ProblemKind(
        HTTPStatus.FORBIDDEN, "origin-refused", "May not send events here", "Add it to origins in EMG_SENDERS."
    ),
    refusals.RepeatedHeader: ProblemKind(
        HTTPStatus.BAD_REQUEST, "repeated-header", "Given more than once", "Send the header or parameter once."
    ),
    refusals.UnsupportedMedia: ProblemKind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media", "Body of another kind", "Send plain JSON, uncompressed."
    ),
    refusals.BodyTooSlow: ProblemKind(
        HTTPStatus.REQUEST_TIMEOUT, "body-too-slow", "Body not received in time", "Send the whole body at once."
    ),
    refusals.BodyIncomplete: ProblemKind(
        HTTPStatus.BAD_REQUEST, "body-incomplete", "Body not complete", "Send the whole body."
    ),
    refusals.BodyTooLarge: ProblemKind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", "Body too large", "Send the notice, not the recording."
    ),
    refusals.NotJson: ProblemKind(HTTPStatus.BAD_REQUEST, "not-json", "Not JSON", "Send one JSON object in UTF-8."),
    refusals.WrongShape: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "wrong-shape", "Not this sender's payload", "Send it as the sender makes it."
    ),
    refusals.BadReason: ProblemKind(
        HTTPStatus.BAD_REQUEST, "bad-reason", "Emg-Reason can't be read", "Say why in one short line, or not at all."
    ),
    refusals.NoToken: ProblemKind(
        HTTPStatus.UNAUTHORIZED, "no-token", "No token", "Send `Authorization: Bearer …`.", _REALM
    ),
    refusals.InvalidToken: ProblemKind(
        HTTPStatus.UNAUTHORIZED,
        "invalid-token",
        "Not a valid token",
        "Get a new token for the audience of this API.",
        f'{_REALM}, error="invalid_token"',
    ),
    refusals.BadAuthorization: ProblemKind(
        HTTPStatus.BAD_REQUEST,
        "bad-authorization",
        "Authorization can't be read",
        "Send one `Authorization: Bearer …`.",
        f'{_REALM}, error="invalid_request"',
    ),
    refusals.NotAllowed: ProblemKind(
        HTTPStatus.FORBIDDEN,
        "not-allowed",
        "Not allowed",
        "Ask who administers the system for the right to see this.",
        f'{_REALM}, error="insufficient_scope"',
    ),
    refusals.TooBusy: ProblemKind(HTTPStatus.SERVICE_UNAVAILABLE, "too-busy", "Too many wait already", _WAIT),
    refusals.KeysUnavailable: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE, "keys-unavailable", "The signer's keys can't be fetched", _WAIT
    ),
    refusals.BadPath: ProblemKind(
        HTTPStatus.NOT_FOUND, "bad-path", "Nothing can have this address", "Compare /openapi.json."
    ),
    refusals.BadQuery: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "bad-query", "Query out of bounds", "Correct the named parameter."
    ),
    refusals.NotAcceptable: ProblemKind(
        HTTPStatus.NOT_ACCEPTABLE, "not-acceptable", "Not to be had as that", "Send Accept with a type that is named."
    ),
    refusals.SessionNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND, "session-not-found", "No such session", "GET /sessions lists them."
    ),
    refusals.ChannelNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND,
        "channel-not-found",
        "No such channel",
        "GET /signals/jit/{session_id}/channels lists them.",
    ),
    refusals.NotAnalysedYet: ProblemKind(
        HTTPStatus.NOT_FOUND, "not-analysed-yet", "No summary yet", "GET /webhooks/storage/status/{code} says why."
    ),
    refusals.ResultNotFound: ProblemKind(
        HTTPStatus.NOT_FOUND, "result-not-found", "No such result", "GET /sessions/{session_id}/results lists them."
    ),
    errors.UnknownBucket: ProblemKind(
        HTTPStatus.FORBIDDEN, "unknown-bucket", "Outside the buckets", "Add the bucket to EMG_BUCKETS if it is right."
    ),
    errors.NotC3d: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "not-c3d", "The recording is no C3D file", "Upload the recording again."
    ),
    errors.CorruptRecording: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "corrupt-recording", "Corrupt recording", "Upload the recording again."
    ),
    errors.NoEmgChannel: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "no-emg-channel", "No EMG channel", "Upload a recording with EMG channels."
    ),
    errors.RecordingTooShort: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "recording-too-short", "Recording too short", "Record for longer."
    ),
    errors.BadAnalysisRequest: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "bad-analysis-request", "Unknown profile or option", "Correct the session."
    ),
    errors.RecordingChanged: ProblemKind(
        HTTPStatus.CONFLICT, "recording-changed", "The recording was overwritten", "Use the newer version's session."
    ),
    errors.RecordingErased: ProblemKind(
        HTTPStatus.GONE, "recording-erased", "The recording was erased", "Nothing: it must not come back."
    ),
    errors.InvalidSession: ProblemKind(
        HTTPStatus.CONFLICT, "invalid-session", "The session can't be read", "Correct or delete the EMGSession."
    ),
    errors.SessionRefused: ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "session-refused",
        "Kubernetes refuses the session",
        "Use a shorter object key.",
    ),
    errors.InvalidSettings: BUG,
    errors.MigrationFailed: BUG,
    errors.StillNeeded: BUG,  # nothing here deletes
    errors.SummaryRefused: BUG,
    errors.SchemaMismatch: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE, "schema-mismatch", "Wrong database schema", "Run `emg migrate --upgrade`."
    ),
    errors.RecordingNotThere: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE, "recording-not-there", "The recording can't be found (yet)", _WAIT
    ),
    errors.StorageUnavailable: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE, "storage-unavailable", "Object storage does not answer", _WAIT
    ),
    errors.DatabaseUnavailable: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE, "database-unavailable", "The database does not answer", _WAIT
    ),
    errors.ClusterUnavailable: ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE, "cluster-unavailable", "The Kubernetes API does not answer", _WAIT
    ),
}


def kind_of(failure: errors.Failure) -> ProblemKind:
    """Return how a failure is told."""
    return KINDS.get(type(failure), BUG)


def _of_failure(failure: errors.Failure) -> Response:
    kind = kind_of(failure)
    headers = {"retry-after": _RETRY_AFTER_SECONDS} if isinstance(failure, errors.TransientFailure) else {}
    if kind.challenge:
        headers["www-authenticate"] = kind.challenge
    if isinstance(failure, _UNREAD):
        headers["connection"] = "close"
    return _answer(kind, str(failure), headers)


def _answer(kind: ProblemKind, detail: str, headers: dict[str, str]) -> Response:
    problem = Problem(type=kind.type, title=kind.title, status=kind.status, detail=detail, advice=kind.advice)
    return _response(problem, headers)


def _response(problem: Problem, headers: dict[str, str]) -> Response:
    body = msgspec.json.encode(problem)
    return Response(body, problem.status, headers, media_type="application/problem+json")


async def on_failure(_request: Request, failure: Exception) -> Response:
    """Tell a Failure."""
    return _of_failure(failure) if isinstance(failure, errors.Failure) else await on_bug(_request, failure)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Tell what the router found: no such path, method not allowed."""
    if not isinstance(error, HTTPException):
        return await on_bug(_request, error)
    status = HTTPStatus(error.status_code)
    problem = Problem(
        type="about:blank", title=status.phrase, status=status, detail=error.detail, advice="Compare the API's paths."
    )
    return _response(problem, dict(error.headers or {}))


async def on_bug(_request: Request, _error: Exception) -> Response:
    """Tell that we failed, and nothing from inside: the server logs the error."""
    return _answer(BUG, "The request could not be answered.", {})


EXCEPTION_HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    errors.Failure: on_failure,
    HTTPException: on_http_error,
    Exception: on_bug,
}
