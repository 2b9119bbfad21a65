"""The two web programs: `python -m emg_api receiver` and `python -m emg_api signals`."""

import os
import sys

import uvloop

from emg_session.errors import Failure
from emg_session.logs import log_as_json
from emg_session.spans import opened_spans

_BAD_START = 2


def main(arguments: list[str]) -> None:
    """Run one of the programs."""
    log_as_json()
    match arguments:
        case ["receiver"]:
            _run_receiver()
        case ["signals"]:
            _run_signals()
        case _:
            sys.stderr.write("usage: python -m emg_api receiver | signals\n")
            sys.exit(_BAD_START)


# Each program imports what it needs alone: the signals API no client for Kubernetes, unless EMG_AUTH asks for one.


def _run_receiver() -> None:
    from emg_api.run_receiver import run_receiver  # noqa: PLC0415
    from emg_api.settings import ReceiverSettings  # noqa: PLC0415

    with opened_spans(os.environ, "emg-receiver") as spans:
        uvloop.run(run_receiver(ReceiverSettings.from_env(os.environ), spans))


def _run_signals() -> None:
    from emg_api.run_signals import run_signals  # noqa: PLC0415
    from emg_api.settings import SignalsSettings  # noqa: PLC0415

    with opened_spans(os.environ, "emg-signals") as spans:
        uvloop.run(run_signals(SignalsSettings.from_env(os.environ), spans))


def _run() -> int:
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.stderr.write(f"emg_api: {failure}\n")
        return _BAD_START
    return 0


if __name__ == "__main__":
    code = _run()
    sys.stderr.flush()
    # Everything is closed; object storage's threads can abort an interpreter that is being torn down.
    os._exit(code)
