"""The one table from emg_core's errors to failures; its sentences hold numbers, never text from the recording."""

import re
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
# The core says what an option is and what it may be; the bound of a reference lists the recording's muscles.
_BAD_OPTION = re.compile(r"option (?P<option>.+?) is .*, but (?P<bound>(?:it|weights) must .*)?", re.DOTALL)


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
        sentence = _bad_option(str(error)) if error.cause == "BadOption" else str(error)
        raise _ANALYSIS_FAILURES[error.cause](sentence) from error


def _bad_option(sentence: str) -> str:
    """Return which option is wrong and its bound, where that is a number."""
    told = _BAD_OPTION.match(sentence)
    if told is None:
        return "an option is not what the profile allows"
    bound = told["bound"] or "its value is not one that the profile or the recording has a place for"
    return f"option {told['option']}: {bound}"
