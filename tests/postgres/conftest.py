from collections.abc import Iterator

import pytest

from emg_local.postgres import Postgres
from tests.support.postgres import fresh_database, running_server, versions


@pytest.fixture(scope="session", params=versions(), ids=lambda version: f"postgresql{version}")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """Yield a server of each version, started once."""
    with running_server(request.param) as server:
        yield server


@pytest.fixture
def database_url(postgres_server: Postgres) -> Iterator[str]:
    """Yield the URL of a new, empty database."""
    with fresh_database(postgres_server) as url:
        yield url
