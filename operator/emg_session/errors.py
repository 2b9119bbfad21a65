"""What can go wrong with a session, and whether trying again can help.

Foreign errors (obstore's, psycopg's, emg_core's) are translated into these where they enter. Each edge maps them in one
table: the worker to exit codes, the web services to HTTP statuses. Messages hold nothing from inside a recording, and
are cut: part of one may come from a sender.
"""

_MOST_CHARACTERS = 500


def place_of(error: BaseException) -> str:
    """Name a bug's kind and place, never its text, which might hold something from inside a recording."""
    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    place = f"{traceback.tb_frame.f_globals.get('__name__')}:{traceback.tb_lineno}" if traceback else "unknown place"
    return f"{type(error).__name__} in {place}"


class Failure(Exception):  # noqa: N818 - its two kinds below carry the word that matters
    """Base of the two kinds; raise one of their subclasses.

    `again_after_s` is how long whoever refused asks to be left alone.
    """

    again_after_s: float = 0.0

    def __str__(self) -> str:
        """Return the sentence, cut."""
        sentence = super().__str__()
        return sentence if len(sentence) <= _MOST_CHARACTERS else f"{sentence[: _MOST_CHARACTERS - 1]}…"


class PermanentFailure(Failure):
    """Trying again gives the same answer."""


class TransientFailure(Failure):
    """Trying again later can help."""


class NotC3d(PermanentFailure):
    """The bytes are no C3D file."""


class CorruptRecording(PermanentFailure):
    """A C3D file, but corrupt or truncated past use."""


class NoEmgChannel(PermanentFailure):
    """A C3D file without an EMG channel."""


class RecordingTooShort(PermanentFailure):
    """Too few samples for the profile."""


class BadAnalysisRequest(PermanentFailure):
    """Unknown profile, or an option it does not have or allow."""


class RecordingChanged(PermanentFailure):
    """The stored object is another version than the session names."""


class UnknownBucket(PermanentFailure):
    """A notice or session names a place outside EMG_BUCKETS."""


class InvalidSession(PermanentFailure):
    """An EMGSession that can't be read; `field` names the part at fault, never what is in it."""

    field: str = ""


class SessionRefused(PermanentFailure):
    """The Kubernetes API refuses a new EMGSession: it breaks a rule of the definition."""


class InvalidSettings(PermanentFailure):
    """The environment lacks a setting or holds one that can't be read."""


class SchemaMismatch(PermanentFailure):
    """The database is on another schema version than this program."""


class MigrationFailed(PermanentFailure):
    """A migration can't be applied to this database."""


class SummaryRefused(PermanentFailure):
    """The database refuses a row: a constraint, or a value it can't hold."""


class StillNeeded(PermanentFailure):
    """A row can't be deleted, as a table that is none of ours refers to it."""


class RecordingErased(PermanentFailure):
    """The recording, or all of its subject's, was erased and must not come back."""


class RecordingNotThere(TransientFailure):
    """The object can't be found (yet)."""


class StorageUnavailable(TransientFailure):
    """Object storage does not answer, or refuses to.

    `refused` tells the one from the other: a refusal says nothing of other objects.
    """

    refused: bool = False


class DatabaseUnavailable(TransientFailure):
    """PostgreSQL does not answer."""


class ClusterUnavailable(TransientFailure):
    """The Kubernetes API does not answer, or says that we may not ask."""

    refused: bool = False  # somebody can give the right
