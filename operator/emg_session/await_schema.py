"""Wait for the database to have this program's schema: `python -m emg_session.await_schema`, before a program starts.

With `--any` a database that answers is enough, whatever its schema: before the migration.

A migration is under way while a release is installed, and nothing in Kubernetes makes pods wait for it. A database that
does not answer is waited for a while only: the programs themselves know what to do without.
"""

import os
import sys
import time
from collections.abc import Callable

from emg_session import migrate
from emg_session.connections import database_url
from emg_session.errors import DatabaseUnavailable, Failure, SchemaMismatch

_LOOK_EVERY_S = 0.5
_SECONDS_FOR_A_DATABASE, _SECONDS_FOR_A_MIGRATION = 60.0, 600.0

Sleep = Callable[[float], None]


def await_schema(is_current: Callable[[], bool], *, clock: Callable[[], float], sleep: Sleep) -> str:
    """Return once programs may start, saying why; raises SchemaMismatch where the schema never comes."""
    start = clock()
    while True:
        waited = clock() - start
        try:
            if is_current():
                return "the schema is there"
        except DatabaseUnavailable:
            if waited >= _SECONDS_FOR_A_DATABASE:
                return "the database does not answer: going on without"
        if waited >= _SECONDS_FOR_A_MIGRATION:
            raise SchemaMismatch("the schema is older than this program: look at the migration's Job, or migrate")
        sleep(_LOOK_EVERY_S)


def main(arguments: list[str]) -> None:
    """Run from the command line."""
    if arguments not in ([], ["--any"]):
        sys.exit("usage: python -m emg_session.await_schema [--any]")
    url = database_url(os.environ)

    def is_current() -> bool:
        steps = migrate.status(url)
        return bool(arguments) or all(step.applied for step in steps)

    sys.stdout.write(f"{await_schema(is_current, clock=time.monotonic, sleep=time.sleep)}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        sys.exit(f"emg: {failure}")
