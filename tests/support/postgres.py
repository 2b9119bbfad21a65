"""Real PostgreSQL servers for tests, through the launcher that `emg run` uses."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from emg_local.embedded import embedded_programs
from emg_local.postgres import Postgres
from tests.support.needs import require

_DEBIANS_15 = Path("/usr/lib/postgresql/15/bin")
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def versions() -> list[str]:
    """Return the versions to test: the oldest supported one only where it is installed, but always in CI."""
    return ["18", "15"] if _DEBIANS_15.exists() or os.environ.get("EMG_REQUIRE_ALL") else ["18"]


def programs(version: str) -> Path:
    """Return the folder of a version's programs."""
    if version == "18":
        return embedded_programs()
    require(_DEBIANS_15.exists(), "PostgreSQL 15 is not installed: apt-get install postgresql-15")
    return _DEBIANS_15


@contextmanager
def folder_for_servers() -> Iterator[Path]:
    """Yield a new folder that a server can reach when root runs the tests; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="emg-tests-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def running_server(version: str = "18") -> Iterator[Postgres]:
    """Yield a running server on a new data folder."""
    with (
        folder_for_servers() as folder,
        Postgres(programs=programs(version), data=folder / "data", settings=_FAST) as server,
    ):
        _allow_other_users(server)
        yield server


@contextmanager
def fresh_database(server: Postgres) -> Iterator[str]:
    """Yield the URL of a new, empty database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{server.url.rpartition('/')[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def login(url: str, role: str) -> Iterator[str]:
    """Yield the URL for a new user who is a member of a role and nothing else."""
    name, address = f"{role}_{uuid.uuid4().hex[:8]}", urlsplit(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE {role}")
        yield address._replace(netloc=f"{name}:secret@{address.hostname}:{address.port}").geturl()
        connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def _allow_other_users(server: Postgres) -> None:
    with (server.data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 127.0.0.1/32 scram-sha-256\n")
    with psycopg.connect(server.url) as connection:
        connection.execute("SELECT pg_reload_conf()")
