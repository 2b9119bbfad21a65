"""The one table from emg_core's errors to failures; its sentences hold numbers, never text from the recording."""

from collections.abc import Iterator
from contextlib import contextmanager

import emg_core

from emg_session.errors import BadAnalysisRequest, CorruptRecording, Failure, NoEmgChannel, NotC3d, RecordingTooShort

_ANALYSIS_FAILURES: dict[str, type[Failure]] = {
    "NoEmgChannel": NoEmgChannel,
    "TooShort": RecordingTooShort,
    "UnknownProfile": BadAnalysisRequest,
    "BadOption": BadAnalysisRequest,
}


@contextmanager
def core_errors() -> Iterator[None]:
    """Translate what a call to emg_core raises; where bytes can still be added, catch NeedMoreBytes inside."""
    try:
        yield
    except emg_core.NeedMoreBytes as error:
        raise CorruptRecording(f"the header does not end where it says: {error.needed} bytes are needed") from error
    except emg_core.C3dError as error:
        kind = NotC3d if error.cause == "NotC3d" else CorruptRecording
        raise kind(str(error)) from error
    except emg_core.AnalysisError as error:
        raise _ANALYSIS_FAILURES[error.cause](str(error)) from error
