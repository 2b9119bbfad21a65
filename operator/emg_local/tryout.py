"""A database or a storage in a pod, to try the chart with: `python -m emg_local.tryout database|storage FOLDER`.

Not for production: one process, without backups, on whatever disk the folder is.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from emg_local.embedded import embedded_programs
from emg_local.postgres import Postgres
from emg_session import migrate
from emg_session.errors import DatabaseUnavailable, Failure
from emg_session.recordings import Buckets
from emg_session.settings import required

DATABASE_PORT, STORAGE_PORT = 5432, 9000
ACCESS_KEY = "emg"
_STORAGE_PROGRAM = "versitygw"
_ANYBODY = ("0.0.0.0/0", "::/0")  # who knows the password; the chart's NetworkPolicy says from where


def serve_database(folder: Path, password: str) -> None:
    """Run PostgreSQL until told to stop, with our schema: a pod made anew has an empty folder, and no release comes."""
    server = Postgres(
        programs=embedded_programs(),
        data=folder / "postgres",
        listen="*",
        port=DATABASE_PORT,
        networks=_ANYBODY,
        password=password,
    )
    with server:
        migrate.upgrade(server.url)
        code = server.wait()
    raise DatabaseUnavailable(f"PostgreSQL ended by itself ({code}): see {server.log}")


def become_storage(folder: Path, password: str, env: Mapping[str, str]) -> None:
    """Make the buckets and become the S3 server."""
    buckets = Buckets.from_json(required(env, "EMG_BUCKETS", "which buckets there are"))
    for uri in buckets.uris.values():
        (folder / "buckets" / uri.removeprefix("s3://")).mkdir(parents=True, exist_ok=True)
    keys = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY, "ROOT_SECRET_ACCESS_KEY": password}
    command = [_STORAGE_PROGRAM, "--quiet", "--port", f":{STORAGE_PORT}", "posix", str(folder / "buckets")]
    os.execvpe(_STORAGE_PROGRAM, command, {**env, **keys})  # noqa: S606 - this pod's only purpose


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def main(arguments: list[str], env: Mapping[str, str]) -> None:
    """Run one of the two."""
    password = required(env, "EMG_TRYOUT_PASSWORD", "the password of the try-out's database and storage")
    match arguments:
        case ["database", folder]:
            signal.signal(
                signal.SIGTERM, _end
            )  # the first process of a container gets no signal that it does not handle
            serve_database(Path(folder), password)
        case ["storage", folder]:
            become_storage(Path(folder), password, env)
        case _:
            sys.exit("usage: python -m emg_local.tryout database|storage FOLDER")


if __name__ == "__main__":
    try:
        main(sys.argv[1:], os.environ)
    except Failure as failure:
        sys.exit(f"emg: {failure}")
