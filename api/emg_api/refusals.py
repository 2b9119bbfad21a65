"""What a request can be refused for, besides the failures that all programs share (emg_session.errors)."""

from emg_session.errors import PermanentFailure, TransientFailure


class NotSigned(PermanentFailure):
    """No live key of the sender made the request's signature."""


class OutOfTime(PermanentFailure):
    """Signed too long ago, or in the future: sent again by somebody else, or by a wrong clock."""


class UnknownSender(PermanentFailure):
    """Nothing is set for this sender."""


class OriginRefused(PermanentFailure):
    """Who asks whether it may send events here may not."""


class RepeatedHeader(PermanentFailure):
    """A header or parameter that may be there once is there several times."""


class UnsupportedMedia(PermanentFailure):
    """The body is of a type or in an encoding that this sender does not use."""


class BodyTooSlow(PermanentFailure):
    """The body did not come in time."""


class BodyIncomplete(PermanentFailure):
    """The sender went away before its body was complete."""


class BodyTooLarge(PermanentFailure):
    """The request's body is larger than a notice ever is."""


class NotJson(PermanentFailure):
    """The request's body is no JSON."""


class WrongShape(PermanentFailure):
    """JSON, but not what this sender sends."""


class BadPath(PermanentFailure):
    """A part of the path can't be what it stands for."""


class BadQuery(PermanentFailure):
    """A query parameter is unknown, repeated or out of bounds."""


class NotAcceptable(PermanentFailure):
    """The answer can't be had as any media type the request accepts."""


class SessionNotFound(PermanentFailure):
    """No session has this id or code."""


class ChannelNotFound(PermanentFailure):
    """The recording has no channel of this name."""


class NotAnalysedYet(PermanentFailure):
    """The session is there, its summary is not."""


class ResultNotFound(PermanentFailure):
    """The session's recording was not analysed with this profile."""


class BadReason(PermanentFailure):
    """The header that says why a caller reads is given twice, too long, or no plain text."""


class NoToken(PermanentFailure):
    """The request has no bearer token."""


class BadAuthorization(PermanentFailure):
    """The request's Authorization is no single well-formed bearer token."""


class InvalidToken(PermanentFailure):
    """The token is nobody's, not for us, or not any more."""


class NotAllowed(PermanentFailure):
    """The caller is known and may not do this."""


class TooBusy(TransientFailure):
    """So many others wait for the same that the answer would come too late."""


class KeysUnavailable(TransientFailure):
    """The public keys of who signs can't be fetched, so no token or message of theirs can be checked."""
