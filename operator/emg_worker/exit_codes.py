"""The one table from failures to exit codes."""

from emg_session import errors
from emg_session.contract import ExitCode

_EXIT_CODES: dict[type[errors.Failure], ExitCode] = {
    errors.NotC3d: ExitCode.NOT_C3D,
    errors.CorruptRecording: ExitCode.CORRUPT,
    errors.NoEmgChannel: ExitCode.NO_EMG_CHANNEL,
    errors.RecordingTooShort: ExitCode.TOO_SHORT,
    errors.BadAnalysisRequest: ExitCode.BAD_REQUEST,
    errors.RecordingChanged: ExitCode.BYTES_CHANGED,
    errors.RecordingErased: ExitCode.ERASED,
    errors.StorageUnavailable: ExitCode.STORAGE_UNAVAILABLE,
    errors.DatabaseUnavailable: ExitCode.DATABASE_UNAVAILABLE,
    errors.SchemaMismatch: ExitCode.DATABASE_UNAVAILABLE,  # a migration may be under way
    errors.RecordingNotThere: ExitCode.RECORDING_NOT_THERE,
}


def exit_code(failure: errors.Failure) -> ExitCode:
    """Return how a worker ends after this failure; what is neither input nor outage is ours, settings among it."""
    return _EXIT_CODES.get(type(failure), ExitCode.INTERNAL_ERROR)
