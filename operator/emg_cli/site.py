"""Where commands find what is stored: by the environment, or in the folder of a running `emg run`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from emg_local.embedded import data_folder
from emg_local.place import Place
from emg_local.postgres import running_url
from emg_session.connections import database_url
from emg_session.database import SummaryStore
from emg_session.pool import Database, open_database
from emg_session.recordings import Buckets
from emg_session.settings import required

_ANSWER_SECONDS = 600.0


@dataclass(frozen=True)
class Site:
    """The database, and the buckets."""

    database_url: str
    buckets: Buckets

    @classmethod
    def of(cls, data: Path | None, *, with_buckets: bool = False) -> "Site":
        """Find it; raises InvalidSettings, or DatabaseUnavailable where no `emg run` runs on the folder."""
        if data is not None:
            place = Place(data.resolve())
            return cls(running_url(data_folder(place.folder)), Buckets(place.buckets))
        url = database_url(os.environ)
        buckets = required(os.environ, "EMG_BUCKETS", "where the recordings are") if with_buckets else "{}"
        return cls(url, Buckets.from_json(buckets))

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """Open the database if it is on our schema; one command may take minutes."""
        async with open_database(self.database_url, most_connections=1, answer_seconds=_ANSWER_SECONDS) as database:
            await SummaryStore(database).check_schema()
            yield database
