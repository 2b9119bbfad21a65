"""The operator: `python -m emg_operator`."""

import asyncio
import logging
import os
import sys

from emg_operator.operate import operate
from emg_operator.settings import OperatorSettings
from emg_session.connections import database_url
from emg_session.errors import Failure


def _first(group: BaseExceptionGroup[Failure]) -> Failure:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def main() -> None:
    """Start the program; a setting that is wrong is one line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    code = 0
    try:
        settings = OperatorSettings.from_env(os.environ)
        asyncio.run(operate(settings, database_url(os.environ)))
    except* asyncio.CancelledError:  # told to stop
        pass
    except* Failure as failures:  # in a group where a task failed beside others
        sys.stderr.write(f"emg_operator: {_first(failures)}\n")
        code = 1
    # Object storage's threads can abort an interpreter that is being torn down.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
