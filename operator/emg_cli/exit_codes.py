"""How a command ends after a failure: what is wrong with the call is 2, the rest as in the worker's table."""

from emg_cli.frame import OTHER_FAILURE_EXIT, USAGE_EXIT
from emg_session.contract import ExitCode
from emg_session.errors import Failure, InvalidSettings, UnknownBucket
from emg_worker.exit_codes import exit_code as worker_exit_code

_USAGE = (InvalidSettings, UnknownBucket)


def exit_code(failure: Failure) -> int:
    """Return the command's exit code."""
    if isinstance(failure, _USAGE):
        return USAGE_EXIT
    code = worker_exit_code(failure)
    return OTHER_FAILURE_EXIT if code is ExitCode.INTERNAL_ERROR else code
