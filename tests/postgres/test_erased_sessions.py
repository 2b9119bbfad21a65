"""The operator's part of an erasure: the sessions go from the cluster, whenever it is there to see the tombstones."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from emg_local.cluster import LocalCluster
from emg_operator.bodies import Kind
from emg_operator.erasing import Erasing
from emg_session import migrate
from emg_session.database import SummaryStore
from emg_session.erasure import Erasure, Erasures
from emg_session.pool import Database, open_database
from emg_session.resource import RecordingRef, SessionSpec, build_session

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
ERASED = SessionSpec(
    recording=RecordingRef(uri="s3://recordings/P001/one.c3d", version="1"), subject="P001", profile="ghostly-2"
)
OTHER = replace(ERASED, recording=RecordingRef(uri="s3://recordings/P002/one.c3d", version="1"), subject="P002")


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Listed(LocalCluster):
    """A cluster that counts how often all its sessions were asked for."""

    listings = 0

    async def list_sessions(self):
        self.listings += 1
        async for body in super().list_sessions():
            yield body

    @property
    def subjects(self) -> set[str]:
        """Whose sessions there are."""
        return {body["spec"]["subject"] for body in self.bodies(Kind.SESSION)}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    migrate.upgrade(database_url)
    async with open_database(database_url, answer_seconds=120) as database:
        yield database


@pytest.fixture
async def cluster(tmp_path: Path) -> Listed:
    cluster = Listed(tmp_path, now=lambda: NOW)
    for spec in (ERASED, OTHER):
        await cluster.create(build_session(spec, namespace="local"))
    return cluster


def erasing(cluster: Listed, database: Database, clock: Clock | None = None, retention_days: int = 0) -> Erasing:
    return Erasing(
        cluster=cluster,
        summaries=SummaryStore(database),
        erasures=Erasures(database),
        retention_days=retention_days,
        clock=clock or Clock(),
    )


async def bury(database: Database) -> None:
    await Erasures(database).bury(Erasure(subject="P001", centre="", reason="consent withdrawn"))


async def test_a_new_tombstone_removes_the_sessions_it_is_about(cluster: Listed, database: Database) -> None:
    look = erasing(cluster, database).look
    await look()
    await bury(database)
    await look()
    assert cluster.subjects == {"P002"}


async def test_tombstones_that_were_set_while_nobody_looked_count(cluster: Listed, database: Database) -> None:
    await bury(database)
    await erasing(cluster, database).look()
    assert cluster.subjects == {"P002"}


async def test_where_nothing_was_erased_nobody_lists_sessions_again(cluster: Listed, database: Database) -> None:
    look = erasing(cluster, database).look
    for _ in range(5):
        await look()
    assert cluster.listings == 1


async def test_a_session_made_while_the_database_was_away_is_found_in_time(cluster: Listed, database: Database) -> None:
    clock = Clock()
    look = erasing(cluster, database, clock).look
    await bury(database)
    await look()
    await cluster.create(build_session(ERASED, namespace="local"))
    clock.seconds += 601
    await look()
    assert cluster.subjects == {"P002"}


async def test_a_session_that_just_changed_is_removed_at_the_next_look(cluster: Listed, database: Database) -> None:
    await bury(database)
    look, delete = erasing(cluster, database).look, cluster.delete_session

    async def after_a_change(body):
        cluster.delete_session = delete
        cluster.merge_status(Kind.SESSION, body["metadata"]["name"], {"jobName": "a"})
        await delete(body)

    cluster.delete_session = after_a_change
    await look()
    assert cluster.subjects == {"P001", "P002"}
    await look()
    assert cluster.subjects == {"P002"}


async def test_retention_takes_row_and_session(cluster: Listed, database: Database) -> None:
    summaries = SummaryStore(database)
    await summaries.save_received("emg-old", ERASED, None)
    async with database.connection() as connection:
        await connection.execute("UPDATE therapy_sessions SET created_at = now() - interval '31 days'")
    eraser = erasing(cluster, database, retention_days=30)
    await eraser.expire()
    await eraser.look()
    assert (cluster.subjects, await summaries.find_session("emg-old")) == ({"P002"}, None)


async def test_a_session_whose_address_no_row_could_hold_goes_with_its_subject(
    cluster: Listed, database: Database
) -> None:
    odd = replace(ERASED, recording=RecordingRef(uri="s3://recordings/P001/\0.c3d", version="\0"))
    await cluster.create(build_session(odd, namespace="local"))
    await bury(database)
    await erasing(cluster, database).look()
    assert cluster.subjects == {"P002"}
